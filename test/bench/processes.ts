import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A server in a process of its own. */
export interface Server {
  /** `https://127.0.0.1:PORT` */
  url: string;
  pid: number;
  /** From the spawn until it said where it listens, in milliseconds. */
  startedMs: number;
  stop(): Promise<void>;
}

/** Starts a Node program that says where it listens in a JSON line with `url` on standard error. */
export async function startServer(
  script: string,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
): Promise<Server> {
  const start = performance.now();
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"] ?? "" },
  });
  const said: string[] = [];
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      const found = /"url":"(https:[^"]+)"/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`${script} did not start:\n${said.join("\n")}`)));
  });
  const startedMs = performance.now() - start;
  return {
    url,
    pid: child.pid ?? 0,
    startedMs,
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
