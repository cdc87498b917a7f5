import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { freePort } from "../free-port.ts";

const run = promisify(execFile);

/** Longest that it may take to answer, in milliseconds. */
const startMs = 60_000;

/** A Prometheus that runs on the loopback interface. */
export interface RunningPrometheus {
  /** The `data` of an answer of its HTTP API (https://prometheus.io/docs/prometheus/2.42/querying/api/). */
  ask(path: string): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

/**
 * Runs `promtool` and answers what it printed.
 *
 * @throws Error with promtool's own words when it finds something wrong, or how to install it when it is missing
 */
export async function promtool(...args: string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run("promtool", args);
    return stdout + stderr;
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (code === "ENOENT") throw new Error(missing, { cause: error });
    throw new Error(`promtool ${args.join(" ")}:\n${stdout}${stderr}`, { cause: error });
  }
}

const missing = "promtool and prometheus are not installed; on Debian: apt-get install -y prometheus";

/** Starts Prometheus with this configuration. It knows nothing but what it scrapes from then on. */
export async function startPrometheus(configuration: object): Promise<RunningPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), "gatehouse-prometheus-"));
  const configFile = join(folder, "prometheus.yml");
  await writeFile(configFile, stringify(configuration));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    "prometheus",
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=${address}`,
      "--log.level=warn",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  let ended: string | undefined;
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  child.once("error", (error) => {
    ended = (error as NodeJS.ErrnoException).code === "ENOENT" ? missing : error.message;
  });
  child.once("exit", (code) => (ended ??= `prometheus ended with status ${code}:\n${said}`));

  async function stop(): Promise<void> {
    if (ended === undefined) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  }
  async function ask(path: string): Promise<Record<string, unknown>> {
    const answer = await fetch(`http://${address}/api/v1/${path}`);
    const { data } = (await answer.json()) as { data: Record<string, unknown> };
    return data;
  }

  const until = performance.now() + startMs;
  for (;;) {
    const ready = await fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return { ask, stop };
    if (ended !== undefined || performance.now() > until) {
      const why = ended ?? `prometheus does not answer:\n${said}`;
      await stop();
      throw new Error(why);
    }
    await sleep(100);
  }
}
