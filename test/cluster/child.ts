/**
 * Long-lived programs of the control plane: started with a log file, watched, and ended with a deadline.
 *
 * @module
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Standard output and error are appended here. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called when the program ends without having been asked to. */
  readonly onExit: (reason: string) => void;
}

/** A running program. */
export interface Child {
  readonly name: string;
  readonly alive: boolean;
  /** Sends SIGTERM, after `graceMilliseconds` SIGKILL, and resolves when the program has ended. */
  stop(graceMilliseconds: number): Promise<void>;
}

/** Starts a program. Its end, if nobody asked for it, is told with the last lines of its log. */
export function startChild(options: ChildOptions): Child {
  const log = openSync(options.logFile, "a");
  let asked = false;
  const child: ChildProcess = spawn(options.command, options.args, {
    stdio: ["ignore", log, log],
    env: { ...process.env, ...options.env },
  });
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  async function tellEnd(): Promise<void> {
    const reason = await ended;
    if (!asked) options.onExit(`${options.name} ended: ${reason}\n${await lastLines(options.logFile, 15)}`);
  }
  void tellEnd();
  return {
    name: options.name,
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    stop: async (graceMilliseconds) => {
      asked = true;
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const exit = once(child, "exit");
      child.kill(graceMilliseconds === 0 ? "SIGKILL" : "SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMilliseconds);
      await exit;
      clearTimeout(timer);
    },
  };
}

/** The last `count` lines of a file, or a note that there is none. */
export async function lastLines(file: string, count: number): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "(no log)\n");
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
