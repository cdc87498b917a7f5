import { watch } from "node:fs";

/** Something that tells of changes until it is closed. */
export interface Watching {
  close(): void;
}

/** Watches a folder and what is below it. `onChange` may be called more often than anything changed. */
export type WatchFolder = (directory: string, onChange: () => void) => Watching;

/**
 * Watches with the operating system's means. Where there are none, or they give up (too many watches, a network file
 * system, the folder replaced), nothing is reported: whoever depends on changes polls besides.
 */
export const watchFolder: WatchFolder = (directory, onChange) => {
  try {
    const watcher = watch(directory, { recursive: true, persistent: false }, () => onChange());
    watcher.on("error", () => {
      watcher.close();
      onChange();
    });
    return { close: () => watcher.close() };
  } catch {
    return { close: () => undefined };
  }
};
