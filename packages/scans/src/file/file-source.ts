/**
 * Scan reports from a folder.
 * @module
 */
import { oneLine, type ReportTrust, type ScanReport } from "@gatehouse/policy";
import { andThen, type Awaitable } from "../awaitable.ts";
import { isNamedHost } from "../registry/hosts.ts";
import type { ScanSource } from "../source.ts";
import { createParseCache, folderLimits, readFolder } from "./read-folder.ts";
import type { FolderLimits, FolderProblem } from "./read-folder.ts";
import { indexReports } from "./report-index.ts";
import type { ReportIndex } from "./report-index.ts";
import { watchFolder } from "./watch-folder.ts";
import type { WatchFolder } from "./watch-folder.ts";

/** Where a folder is, and how it is read. */
export interface FileSourceOptions {
  /** Named in events and messages. */
  name: string;
  /** The folder; it may be a mounted ConfigMap. */
  directory: string;
  /** Registry hosts that it answers for, `*.` for any one label first. Default: every one. */
  registries?: readonly string[] | undefined;
  /** Bounds on what is read. */
  limits?: Partial<FolderLimits> | undefined;
  /** How changes are noticed. Default: the operating system's notification. */
  watch?: WatchFolder | undefined;
  /** Also look for changes this often, in milliseconds. @default 30000 */
  pollMs?: number | undefined;
  /** How long a folder must be quiet before it is read again, in milliseconds. @default 200 */
  settleMs?: number | undefined;
}

/** A source over a folder. */
export interface FileSource extends ScanSource {
  /** Everything in the folder that could not be read or says no image, after the last reading. */
  problems(): Promise<readonly FolderProblem[]>;
  /** Reads the folder again now. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** Whoever may write into the folder is trusted with its reports, as with the configuration that names it. */
const trust: ReportTrust = { kind: "source" };

type Reading =
  | { index: ReportIndex; problems: readonly FolderProblem[] }
  | { unavailable: string; problems: readonly FolderProblem[] };

/**
 * Reads a folder of scan reports (`.json` and `.sarif`, in any format that `parseReport` reads) and answers from it,
 * again after each change. Of several reports about one image and platform the newest scan counts. A folder that
 * cannot be read is `unavailable`, also after it could be read before.
 */
export function fileSource(options: FileSourceOptions): FileSource {
  const { name, directory, registries } = options;
  const origin = { source: name, trust };
  const limits = { ...folderLimits, ...options.limits };
  const cache = createParseCache();

  async function read(): Promise<Reading> {
    try {
      const { reports, problems } = await readFolder(directory, origin, limits, cache);
      return { index: indexReports(reports, origin), problems };
    } catch (error) {
      const unavailable = oneLine(
        `${directory}: ${error instanceof Error ? error.message : String(error)}`,
        300,
      );
      return { unavailable, problems: [{ file: ".", reason: unavailable }] };
    }
  }

  // Readings follow one another, never side by side, so that an older one cannot replace a newer one.
  // Whoever asks before the first of them has ended waits for it; from then on every answer is there.
  let current: Awaitable<Reading>;
  const show = async (): Promise<void> => {
    const reading = await read();
    current = reading;
  };
  let queue = show();
  current = queue.then(() => current);
  let closed = false;
  async function reload(): Promise<void> {
    const before = queue;
    queue = (async () => {
      await before;
      if (!closed) await show();
    })();
    await queue;
  }

  let settling: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(settling);
    settling = setTimeout(() => void reload(), options.settleMs ?? 200).unref();
  };
  const watching = (options.watch ?? watchFolder)(directory, changed);
  const polling = setInterval(() => void reload(), options.pollMs ?? 30_000).unref();

  return {
    name,
    covers: ({ registry }) => registries === undefined || isNamedHost(registries, registry),
    resolve: (reference) =>
      andThen(current, (reading) => {
        if ("index" in reading) return reading.index.resolve(reference);
        // With a digest there is nothing to resolve, and the report says why there is none.
        if (reference.digest !== undefined) return undefined;
        throw new Error(reading.unavailable);
      }),
    scanByTag: (reference) =>
      andThen(current, (reading) => {
        if ("index" in reading) return reading.index.scanByTag(reference);
        throw new Error(reading.unavailable);
      }),
    report: (image) =>
      andThen(current, (reading): ScanReport => {
        if ("index" in reading) return reading.index.report(image);
        return { state: "unavailable", reason: reading.unavailable, ...origin, findings: [] };
      }),
    problems: async () => (await current).problems,
    reload,
    close: async () => {
      closed = true;
      clearTimeout(settling);
      clearInterval(polling);
      watching.close();
      await queue;
    },
  };
}
