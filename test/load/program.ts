/** One part of the gate as a process: its lines as they come, its end by signal or by kill, its memory. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

export interface Program {
  /** Where it answers, and where it shows its metrics. */
  readonly url: string;
  readonly metricsUrl: string;
  readonly pid: number;
  /** What its log complains of so far, at level error or outside of its form. */
  readonly errors: readonly string[];
  /** Asks it to end, as a kubelet does, and waits for it. */
  stop(): Promise<number | null>;
  /** Ends it at once, as a node that runs out of memory does. Resolves when its last line was read. */
  kill(): Promise<void>;
  /** The most memory that it has had so far, in MiB. */
  peakMemory(): Promise<number>;
}

/** Flags of `node` as `Gate` gives them to a container with the 384 MiB that it has unless told otherwise. */
const heapFlags = ["--max-old-space-size=211", "--max-semi-space-size=8"];

/** Starts a bundle and waits until it says in its log where it answers. */
export async function startProgram(options: {
  file: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Takes each line of standard output. Without it, nobody reads them and they go nowhere. */
  line?: (text: string) => void;
}): Promise<Program> {
  const { line } = options;
  const args = [...heapFlags, options.file, "--metrics-listen=127.0.0.1:0", ...options.args];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", line === undefined ? "ignore" : "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ...options.env },
  });
  const errors: string[] = [];
  if (line !== undefined && child.stdout !== null) createInterface({ input: child.stdout }).on("line", line);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const { url, metrics } = await new Promise<{ url: string; metrics: string }>((resolve, reject) => {
    if (child.stderr === null) throw new Error("no standard error");
    createInterface({ input: child.stderr }).on("line", (text) => {
      if (!text.startsWith("{")) return void errors.push(text);
      const said = JSON.parse(text) as { level: string; url?: string; metrics?: string };
      if (said.url !== undefined) resolve({ url: said.url, metrics: said.metrics ?? "" });
      if (said.level === "error") errors.push(text);
    });
    void ended.then(() => reject(new Error(`it ended: ${errors.join("\n")}`)));
  });
  const pid = child.pid ?? 0;
  return {
    url,
    metricsUrl: metrics,
    pid,
    errors,
    async stop() {
      child.kill("SIGTERM");
      return await ended;
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async peakMemory() {
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024);
    },
  };
}
