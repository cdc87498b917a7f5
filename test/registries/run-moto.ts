/**
 * moto's server (https://docs.getmoto.org), a stand-in for AWS that others wrote, on the loopback interface.
 * @module
 */
import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { startChild } from "../cluster/child.ts";
import { freePort } from "../free-port.ts";
import { listens } from "./run-registry.ts";

const version = "5.2.5";
const run = promisify(execFile);

/** A server that runs. */
export interface RunningMoto {
  /** `http://127.0.0.1:port` */
  url: string;
  stop(): Promise<void>;
}

/** Starts it, empty. Installs it from PyPI into a cache outside the tree the first time. */
export async function runMoto(env: Readonly<Record<string, string>> = {}): Promise<RunningMoto> {
  const python = await installMoto();
  const folder = await mkdtemp(join(tmpdir(), "gatehouse-moto-"));
  const port = await freePort();
  let ended: string | undefined;
  const logFile = join(folder, "log");
  const child = startChild({
    name: "moto",
    command: python,
    args: ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
    logFile,
    env,
    onExit: (reason) => {
      ended = reason;
    },
  });
  for (let attempt = 0; !(await listens(`127.0.0.1:${port}`)); attempt++) {
    if (ended !== undefined || attempt > 600)
      throw new Error(`moto does not listen: ${ended ?? (await readFile(logFile, "utf8"))}`);
    await sleep(100);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await child.stop(2000);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Path of a Python that has moto. @throws Error that says what is missing when there is none and it cannot be made. */
async function installMoto(): Promise<string> {
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "gatehouse");
  const folder = join(cache, `moto-${version}`);
  const python = join(folder, "bin", "python");
  if (await exists(python)) return python;
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, "moto-"));
  try {
    await run("python3", ["-m", "venv", fresh]);
    await run(join(fresh, "bin", "python"), ["-m", "pip", "install", "--quiet", `moto[server]==${version}`]);
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    // Another run was faster.
    if (await exists(python)) return python;
    throw new Error(
      `moto ${version} is needed from PyPI, with python3 and its venv module: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  return python;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
