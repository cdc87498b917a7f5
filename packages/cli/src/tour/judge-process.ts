import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  admissionEventSchema,
  canonicalJson,
  policyHash,
  type AdmissionEvent,
  type GateConfig,
  type Mode,
  type Policy,
} from "@gatehouse/policy";
import type { Stage } from "./stage.ts";

/** What one judge is started with. */
export interface JudgeSetting {
  /** Names its files; unique on the stage. */
  name: string;
  policy: Policy;
  mode: Mode;
  /** Folder of scan reports. */
  reports: string;
  /** The moment that it decides at, in milliseconds since 1970. Default: the real time. */
  clock?: number | undefined;
}

/** A judge in a process of its own, as it runs in a cluster but for the cluster. */
export interface JudgeProcess {
  port: number;
  mode: Mode;
  /** The event about a request; undefined when there is none in time. */
  event(uid: string): Promise<AdmissionEvent | undefined>;
  /** Called when it ends without having been asked to. */
  onExit(listener: (why: string) => void): void;
  stop(): Promise<void>;
}

const longestStartMs = 30_000;
const longestEventMs = 5_000;
const longestStopMs = 5_000;

/**
 * Starts the bundle on a free port of 127.0.0.1 and waits until it answers.
 *
 * @throws Error with the judge's own words when it does not start
 */
export async function startJudge(stage: Stage, setting: JudgeSetting): Promise<JudgeProcess> {
  const at = (name: string) => join(stage.directory, `${setting.name}-${name}.json`);
  await writeFile(at("policy"), canonicalJson(setting.policy, "the policy"));
  await writeFile(at("config"), JSON.stringify(configOf(setting)));
  const child = spawn(
    process.execPath,
    [
      stage.bundle,
      `--config=${at("config")}`,
      `--policy=${at("policy")}`,
      `--ca=${stage.authority}`,
      `--secret-file=${stage.secretFile}`,
      "--listen=127.0.0.1:0",
      "--ip=127.0.0.1",
      "--dns=localhost",
      "--no-kubernetes",
      "--unready-ms=0",
      ...(setting.clock === undefined ? [] : ["--clock", new Date(setting.clock).toISOString()]),
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
      // Only what Node itself needs: a variable of this shell is no setting of a gate. Many judges of one bundle start
      // sooner when it is compiled once.
      env: {
        PATH: process.env["PATH"] ?? "",
        NODE_COMPILE_CACHE: join(stage.directory, "compiled"),
      },
    },
  );
  const events = new Map<string, AdmissionEvent>();
  const waiting = new Map<string, (event: AdmissionEvent) => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event = eventOf(line);
    if (event === undefined) return;
    events.set(event.id, event);
    waiting.get(event.id)?.(event);
  });
  const said: string[] = [];
  let asked = false;
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code) => resolve(said.slice(-12).join("\n") || `it ended with status ${code}`));
  });
  async function stop(): Promise<void> {
    asked = true;
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), longestStopMs);
    await exited;
    clearTimeout(force);
  }
  stage.beforeClose(stop);
  const port = await new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error("the judge did not start in time"));
    }, longestStartMs);
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      const found = portOf(line);
      if (found !== undefined) resolve(found);
      if (said.length > 100) said.shift();
    });
    void exited.then((why) => reject(new Error(`the judge does not start: ${why}`)));
    void exited.then(() => clearTimeout(timer));
  });
  return {
    port,
    mode: setting.mode,
    event: async (uid) =>
      events.get(uid) ??
      (await new Promise<AdmissionEvent | undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), longestEventMs);
        waiting.set(uid, (event) => {
          clearTimeout(timer);
          waiting.delete(uid);
          resolve(event);
        });
      })),
    onExit: (listener) => void exited.then((why) => (asked ? undefined : listener(why))),
    stop,
  };
}

function configOf({ policy, mode, reports }: JudgeSetting): GateConfig {
  return {
    version: 1,
    cluster: { name: "this-machine" },
    mode,
    policyHash: policyHash(policy),
    // Without nodes to ask, every platform of an image counts.
    platforms: "nodes",
    sources: [{ type: "file", name: "reports", directory: reports }],
    pin: false,
    excludedNamespaces: [],
    gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
  };
}

function eventOf(line: string): AdmissionEvent | undefined {
  const parsed = admissionEventSchema.safeParse(jsonOf(line));
  return parsed.success ? parsed.data : undefined;
}

function portOf(line: string): number | undefined {
  const entry = jsonOf(line);
  if (typeof entry !== "object" || entry === null || !("url" in entry)) return undefined;
  const { url } = entry;
  return typeof url === "string" && URL.canParse(url) ? Number(new URL(url).port) : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
