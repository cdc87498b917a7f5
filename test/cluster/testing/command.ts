/**
 * `npm run cluster -- --context NAME` as a user has it: a process, what it prints, and a Ctrl-C.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { root } from "../../steps.ts";
import type { Cluster } from "../cluster.ts";
import { eventually } from "./eventually.ts";

/** A user of a machine: a home, a kubeconfig of two files, and a folder for temporary files. */
export interface User {
  readonly env: NodeJS.ProcessEnv;
  /** Where the user's own kubectl keeps what it has learned. */
  readonly cache: string;
  /** What lies in the user's home. */
  home(): string[];
  /** What lies among the temporary files. */
  temporary(): string[];
  remove(): void;
}

/** A user whose kubeconfig calls this cluster `mine`; its current context is of another cluster, which does not answer. */
export async function userOf(cluster: Cluster, path = process.env["PATH"] ?? ""): Promise<User> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-user-"));
  const [home, temporary] = ["home", "tmp"].map((name) => mkdtempSync(join(folder, name)));
  const mine = (await readFile(cluster.kubeconfig, "utf8")).replaceAll("gatehouse-test", "mine");
  const away = { name: "away", cluster: { server: "https://127.0.0.1:1" } };
  const other = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [away],
    users: [{ name: "away", user: {} }],
    contexts: [{ name: "away", context: { cluster: "away", user: "away" } }],
    "current-context": "away",
  };
  const files = [join(folder, "config"), join(folder, "other")];
  writeFileSync(files[0] ?? "", JSON.stringify(other), { mode: 0o600 });
  writeFileSync(files[1] ?? "", mine, { mode: 0o600 });
  return {
    env: {
      ...process.env,
      PATH: path,
      HOME: home,
      // The cluster's programs were built for whoever runs the tests.
      XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"] ?? join(process.env["HOME"] ?? "", ".cache"),
      TMPDIR: temporary,
      KUBECONFIG: files.join(delimiter),
    },
    cache: join(folder, "cache"),
    home: () => readdirSync(home ?? ""),
    temporary: () => readdirSync(temporary ?? ""),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** How the command ended. */
export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command, while it runs. */
export interface RunningCommand {
  /** Waits until it has printed this. @throws when it ends before */
  printed(words: string): Promise<string>;
  /** Ctrl-C as npm passes it on: to all of the terminal's processes, and to this one again. */
  interrupt(): void;
  readonly ended: Promise<CommandEnd>;
}

/** Starts it. */
export function runCommand(user: User, context: string): RunningCommand {
  const child = spawn(process.execPath, [join(root, "test/cluster/main.ts"), "--context", context], {
    cwd: root,
    env: user.env,
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, as a terminal gives to what it runs.
    detached: true,
  });
  let so = "";
  child.stdout.on("data", (chunk: Buffer) => (so += chunk.toString("utf8")));
  const closed = once(child, "close") as Promise<[number | null]>;
  const ended = Promise.all([text(child.stderr), closed]).then(([stderr, [code]]) => ({
    code,
    stdout: so,
    stderr,
  }));
  return {
    ended,
    async printed(words) {
      const early = ended.then(({ code, stderr }) => {
        throw new Error(`it ended (${code}) without printing "${words}":\n${so}${stderr}`);
      });
      const seen = eventually(() => {
        if (!so.includes(words)) throw new Error(`it has not printed "${words}" yet:\n${so}`);
        return so;
      }, 240);
      return Promise.race([seen, early]);
    },
    interrupt() {
      if (child.exitCode !== null || child.pid === undefined) return;
      process.kill(-child.pid, "SIGINT");
      child.kill("SIGINT");
    },
  };
}

/** Runs a line of what was printed in a shell, at the project's root. */
export async function runLine(user: User, line: string): Promise<string> {
  const child = spawn("sh", ["-c", line], {
    cwd: root,
    env: { ...user.env, KUBECACHEDIR: user.cache },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return `${stdout}${stderr}`;
}
