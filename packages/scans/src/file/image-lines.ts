/**
 * `image.txt`: which image the reports beside it are about, for reports that do not say so themselves.
 *
 * One line for each image, `#` for comments: `[FILE] REFERENCE [OS/ARCHITECTURE]`. A line without a file is about every
 * report of the folder. A file `NAME.image.txt` holds the line for the report `NAME`, or `NAME.json` or `NAME.sarif`.
 */
import { parseImageReference } from "@gatehouse/policy";
import type { ImageReference, Platform } from "@gatehouse/policy";
import { platformOf } from "../parse/image-names.ts";

/** One line of an `image.txt`. */
export interface ImageLine {
  /** Name of the report in the same folder; absent when the line is about all of them. */
  file?: string;
  reference: ImageReference;
  platform?: Platform;
}

/**
 * Reads an `image.txt`.
 * @param files names of the reports beside it, so that a first word can be told from a reference.
 */
export function parseImageLines(
  text: string,
  files: ReadonlySet<string>,
): { lines: ImageLine[]; problems: string[] } {
  const lines: ImageLine[] = [];
  const problems: string[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const words = line
      .replace(/(^|\s)#.*$/, "")
      .trim()
      .split(/\s+/)
      .filter(Boolean);
    if (words.length === 0) return;
    const place = `line ${index + 1}`;
    const file = words.length > 1 && files.has(words[0] ?? "") ? words.shift() : undefined;
    const [name = "", platformText, ...more] = words;
    const parsed = parseImageReference(name);
    const [os, architecture, variant] = (platformText ?? "").split("/");
    const platform = platformOf(os, architecture, variant);
    if (!parsed.ok) problems.push(`${place}: ${parsed.problem}`);
    else if (more.length > 0 || (platformText !== undefined && platform === undefined))
      problems.push(
        `${place}: expected [FILE] REFERENCE [OS/ARCHITECTURE], where FILE is a report of this folder`,
      );
    else
      lines.push({
        ...(file === undefined ? {} : { file }),
        reference: parsed.reference,
        ...(platform === undefined ? {} : { platform }),
      });
  });
  return { lines, problems };
}

/** Which reports a file is about: all of its folder (`image.txt`), some (`NAME.image.txt`), or it is no such file. */
export function imageFileTargets(name: string, reports: readonly string[]): string[] | undefined {
  if (name === "image.txt") return [...reports];
  if (!name.endsWith(".image.txt")) return undefined;
  const stem = name.slice(0, -".image.txt".length);
  return reports.filter((report) => report === stem || report.replace(/\.(?:json|sarif)$/i, "") === stem);
}
