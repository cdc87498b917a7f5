import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { oneLine, unscanned } from "@gatehouse/policy";
import { createSourceLookUp, fileSource, type LookUp } from "@gatehouse/scans";
import { UsageError } from "./exit.ts";

/** Look-ups in a folder of scan reports. */
export interface Reports {
  lookUp: LookUp;
  /** Reports that could not be read, or that do not say which image they are about; one line each. */
  problems: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens a folder of reports. Without one, nothing can be told of any image.
 *
 * @throws UsageError when it is no folder
 */
export async function openReports(options: {
  directory: string | undefined;
  maxScanAge: string | undefined;
  cwd: string;
  now: number;
}): Promise<Reports> {
  const { directory, maxScanAge, cwd, now } = options;
  if (directory === undefined) {
    const why = "no scan reports were given: name a folder of them with --scans DIR";
    return {
      lookUp: () => Promise.resolve(unscanned("unavailable", why, "nobody")),
      problems: [],
      close: () => Promise.resolve(),
    };
  }
  const path = resolve(cwd, directory);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new UsageError("GH3002", `--scans ${directory}: expected a folder of scan reports, there is none`);
  const source = fileSource({ name: "reports", directory: path, watch: () => ({ close() {} }) });
  const problems = await source.problems();
  return {
    lookUp: createSourceLookUp({ sources: [{ source, maxScanAge }], now: () => now }),
    problems: problems.map(({ file, reason }) => oneLine(`${directory}/${file}: ${reason}`, 400)),
    close: () => source.close(),
  };
}
