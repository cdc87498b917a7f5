import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { InvalidArgumentError, type Command } from "commander";
import { InvalidInputError } from "@gatehouse/policy";
import { convertFeed } from "@gatehouse/scans";
import { exit, UsageError } from "../exit.ts";
import type { Io } from "../io.ts";

interface FeedOptions {
  epss?: string;
  kev?: string;
  omitBelow?: number;
}

/** Largest that either file may be once it is unpacked; EPSS has some 10 MiB. */
const limit = 256 * 1024 * 1024;

/** Adds `gatehouse feed`. `end` takes the exit status. */
export function addFeed(program: Command, io: Io, end: (status: number) => void): void {
  program
    .command("feed")
    .summary("the exploit feed, made of EPSS and CISA's catalogue")
    .description(
      "Makes the exploit feed that the gate reads of what FIRST (https://epss.empiricalsecurity.com/epss_scores-current.csv.gz) and CISA (https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json) publish, and writes it to standard output. Downloads nothing.",
    )
    .option("--epss <file>", "EPSS scores: CSV, compressed or not")
    .option("--kev <file>", "CISA's known exploited vulnerabilities: JSON, compressed or not")
    .option("--omit-below <score>", "scores below this are kept as a bound only (default: 0.05)", score)
    .action(async ({ epss, kev, omitBelow }: FeedOptions) => {
      if (epss === undefined && kev === undefined)
        throw new UsageError("GH3001", "expected --epss FILE, --kev FILE or both");
      const epssCsv = await readText(epss, io.cwd);
      const kevJson = await readText(kev, io.cwd);
      io.out(`${JSON.stringify(convert({ epssCsv, kevJson, omitBelow }, kev))}\n`);
      end(exit.admitted);
    });
}

function convert(options: Parameters<typeof convertFeed>[0], kev = "KEV"): ReturnType<typeof convertFeed> {
  try {
    return convertFeed(options);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const json = error instanceof SyntaxError ? `${kev}: expected JSON: ` : "";
    throw new UsageError("GH3010", `${json}${why}`, { cause: error });
  }
}

/** @throws InvalidInputError for a file that cannot be read or unpacked */
async function readText(file: string | undefined, cwd: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    const bytes = await readFile(resolve(cwd, file));
    // The first two bytes of gzip (RFC 1952, 2.3.1).
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return (packed ? gunzipSync(bytes, { maxOutputLength: limit }) : bytes).toString("utf8");
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new InvalidInputError("GH3002", file, [{ path: "", problem }], { cause: error });
  }
}

function score(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError("expected a number from 0 to 1");
  return value;
}
