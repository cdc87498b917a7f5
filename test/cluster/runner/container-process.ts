/**
 * One run of a container: a process in namespaces of its own, and its end.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { rootScript, type RootPlan, type Tools } from "./root.ts";

/** How a run ended: an exit code, which is 128 and the signal's number when it was killed. */
export interface Exit {
  readonly code: number;
}

/** A run of a container. */
export interface ContainerProcess {
  readonly exited: Promise<Exit>;
  /** Sends a signal to its first process; nothing happens once it has ended. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Runs a command in the container, within `timeoutMilliseconds`; false when it fails or does not end in time. */
  exec(command: readonly string[], timeoutMilliseconds: number): Promise<boolean>;
}

export interface ProcessOptions {
  readonly root: RootPlan;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** File of the Pod's network namespace. */
  readonly networkNamespace: string;
  readonly logFile: string;
}

/** Starts a container's process. A root that cannot be made shows as exit code 1 with the reason in the log. */
export async function startContainerProcess(
  options: ProcessOptions,
  tools: Tools,
): Promise<ContainerProcess> {
  const script = await rootScript(options.root, tools);
  // This shell stays outside of the PID namespace, whose first process is its only child; it tells that one's end.
  // `unshare --fork` would do the same, but fails in util-linux 2.38 when the child is killed by SIGKILL.
  // It keeps its own words, such as "Killed", out of the container's log.
  const wait = `exec 3>&2 2>/dev/null; (exec ${tools.sh} -euc "$0" container "$@" 2>&3 3>&-); exit $?`;
  const namespaces = ["--mount", "--pid", "--uts", "--ipc"];
  const args = [
    `--net=${options.networkNamespace}`,
    tools.unshare,
    ...namespaces,
    tools.sh,
    "-c",
    wait,
    script,
  ];
  const log = openSync(options.logFile, "a");
  const child = spawn(tools.nsenter, [...args, ...options.argv], {
    stdio: ["ignore", log, log],
    env: options.environment,
  });
  closeSync(log);
  const exited = new Promise<Exit>((resolve) => {
    child.once("error", () => resolve({ code: 128 }));
    child.once("exit", (code) => resolve({ code: code ?? 128 }));
  });

  /** The container's first process: the only child of the shell that waits outside. */
  async function firstProcess(): Promise<number | undefined> {
    for (let attempt = 0; attempt < 100 && child.exitCode === null && child.signalCode === null; attempt++) {
      const text = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").catch(() => "");
      const pid = Number(text.trim().split(" ")[0]);
      if (pid > 0) return pid;
      await sleep(20);
    }
    return undefined;
  }

  return {
    exited,
    signal: async (signal) => {
      const pid = await firstProcess();
      try {
        if (pid !== undefined) process.kill(pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    },
    exec: async (command, timeoutMilliseconds) => {
      const pid = await firstProcess();
      if (pid === undefined) return false;
      const user = options.root.user === 0 ? [] : ["--user", "--preserve-credentials"];
      const flags = [
        `--target=${pid}`,
        ...user,
        "--mount",
        "--net",
        "--pid",
        "--uts",
        "--ipc",
        "--root",
        "--wd",
      ];
      const probe = spawn(tools.nsenter, [...flags, "--", ...command], {
        stdio: "ignore",
        env: options.environment,
        timeout: timeoutMilliseconds,
        killSignal: "SIGKILL",
      });
      return new Promise((resolve) => {
        probe.once("error", () => resolve(false));
        probe.once("exit", (code) => resolve(code === 0));
      });
    },
  };
}
