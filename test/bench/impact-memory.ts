/**
 * What the observer's process takes in memory: the bundle itself, with the heap limits that a Gate gives it, over an API
 * server of the stated size and a folder with a report for each digest. Reviews and events are filled to their limits,
 * all is judged for an impact, and a whole snapshot is taken. The figure is the most that it ever held in memory.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { createFakeApi, listen, serviceAccountUser, type FakeApi } from "@gatehouse/kube/testing";
import {
  admissionEvent,
  applyMode,
  canonicalJson,
  decide,
  policyHash,
  reviewEvent,
  type EventInput,
  type ImageScan,
  type Subject,
} from "@gatehouse/policy";
import { buildObserver } from "@gatehouse/webhook/build";
import { createAuthority } from "../cluster/certificates.ts";
import { rounded, type Figure } from "./figures.ts";
import {
  benchNow,
  objectsOf,
  policyOf,
  reportText,
  trivyText,
  type ImpactBenchSize,
} from "./impact-samples.ts";
import { createAsk } from "./load.ts";

/** The container's limit, in MiB, of which old space gets 55 %. */
const limitMiB = 384;
const heapFlags = [`--max-old-space-size=${Math.floor(limitMiB * 0.55)}`, "--max-semi-space-size=8"];
const audience = ["gatehouse"];
/** More than are held, so that the stores are full. */
const admissions = 12_000;
const batch = 100;

const users = {
  observer: serviceAccountUser("gatehouse", "gatehouse", "uid-observer"),
  caller: serviceAccountUser("gatehouse", "gatehouse-caller", "uid-caller"),
};

/** Measures once. */
export async function observerMemory(size: ImpactBenchSize): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-observer-"));
  const api = createFakeApi({ authorize: () => true });
  for (const object of objectsOf(size)) api.put(object as never);
  const authority = await createAuthority("Gatehouse bench");
  const leaf = await authority.issue({
    commonName: "localhost",
    dnsNames: ["localhost"],
    addresses: ["127.0.0.1"],
  });
  const server = await listen(api, { tls: { cert: leaf.certificate, key: leaf.key } });
  writeAll(folder, api, authority, size);
  const { file } = await buildObserver(join(folder, "observer.mjs"));
  const child = spawn(
    process.execPath,
    [
      ...heapFlags,
      file,
      ..."--config config.json --policy policy.json --ca ca --listen 127.0.0.1:0 --ip 127.0.0.1 --service-account account".split(
        " ",
      ),
    ],
    {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: process.env["PATH"] ?? "",
        KUBERNETES_SERVICE_HOST: "127.0.0.1",
        KUBERNETES_SERVICE_PORT: new URL(server.url).port,
      },
    },
  );
  try {
    const url = await urlOf(child.stderr);
    const ask = createAsk(url, authority.certificate);
    const as = (user: keyof typeof users) => ({ "x-gatehouse-token": api.token(users[user], audience) });
    const impact = JSON.stringify({ policy: policyOf(size.rules, true), mode: "deny" });
    await answered(() => ask("/v1/impact", { headers: as("caller"), body: impact }));
    const loaded = residentMiB(child.pid ?? 0).now;
    for (const events of batches(size))
      await ask("/v1/events", {
        headers: { ...as("observer"), "content-type": "application/cloudevents-batch+json" },
        body: JSON.stringify(events),
      });
    const snapshot = await takeAll((after) =>
      ask(`/v1/snapshot?after=${encodeURIComponent(after)}`, { headers: as("caller") }),
    );
    await answered(() => ask("/v1/impact", { headers: as("caller"), body: impact }));
    return [
      { figure: "observer_memory_loaded", value: rounded(loaded), unit: "MiB resident" },
      {
        figure: "observer_memory",
        value: rounded(residentMiB(child.pid ?? 0).most),
        unit: "MiB resident at most",
        aim: `${limitMiB} or less`,
        baseline: `${size.pods} Pods, ${size.digests} digests, ${snapshot.review} reviews; ${heapFlags.join(" ")}`,
      },
    ];
  } finally {
    child.kill("SIGKILL");
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

function writeAll(
  folder: string,
  api: FakeApi,
  authority: { certificate: string; key: string },
  size: ImpactBenchSize,
): void {
  const policy = policyOf(size.rules, false);
  const config = {
    version: 1,
    cluster: { name: "bench" },
    mode: "audit",
    policyHash: policyHash(policy),
    platforms: ["linux/amd64"],
    sources: [
      { type: "file", name: "reports", directory: join(folder, "reports"), registries: ["registry.example"] },
    ],
    pin: true,
    excludedNamespaces: [],
    gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
  };
  const files: Record<string, string> = {
    "config.json": JSON.stringify(config),
    "policy.json": canonicalJson(policy),
    "ca/tls.crt": authority.certificate,
    "ca/tls.key": authority.key,
    "account/ca.crt": authority.certificate,
    "account/namespace": "gatehouse",
    "account/token": api.token(users.observer),
  };
  for (const name of ["ca", "account", "reports"]) mkdirSync(join(folder, name));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  for (let image = 0; image < size.digests; image += 1)
    writeFileSync(join(folder, "reports", `${image}.json`), trivyText(image, size));
}

/** What judges would have told of as many different admissions: an event and a review of each. */
function* batches(size: ImpactBenchSize): Generator<unknown[]> {
  const policy = policyOf(size.rules, false);
  const hash = policyHash(policy);
  const known = Array.from(
    { length: size.digests },
    (_, image) => JSON.parse(reportText(image, size)) as ImageScan,
  );
  let events: unknown[] = [];
  for (let index = 0; index < admissions; index += 1) {
    const image = index % size.digests;
    const reference = `registry.example/app-${image}:1`;
    const name = `app-${index}`;
    const subject: Subject = {
      cluster: { name: "bench" },
      namespace: { name: `team-${index % 50}`, labels: { team: `${index % 50}` } },
      object: {
        kind: "Pod",
        name: `${name}-5b9c7d7f4-x2x4x`,
        labels: { app: name, "pod-template-hash": "abc" },
      },
      pod: `${name}-5b9c7d7f4-x2x4x`,
      workload: { resolved: true, kind: "Deployment", name, uid: `uid-${index}` },
      images: [{ path: "spec.containers[0].image", reference, name: "main", kind: "container" }],
    };
    const scan = known[image];
    if (scan === undefined) continue;
    const scans = new Map([[reference, scan]]);
    const input: EventInput = {
      instance: "judge-0",
      cluster: subject.cluster,
      request: {
        uid: `request-${index}`,
        operation: "CREATE",
        user: "system:serviceaccount:kube-system:replicaset-controller",
        groups: [],
      },
      subject,
      judged: subject,
      workload: subject.workload,
      verdict: { ruling: applyMode(decide(policy, subject, scans, benchNow), "audit"), scans },
      policyHash: hash,
      at: benchNow,
      durationMs: 3,
    };
    events.push(admissionEvent(input, `key-${index}`, 1), reviewEvent(input, `key-${index}`));
    if (events.length < batch) continue;
    yield events;
    events = [];
  }
}

type Answer = { status: number; text: string };

/** Asks until the answer is a 200: it is 503 while the cluster and its reports are still being read. */
async function answered(act: () => Promise<Answer>): Promise<string> {
  for (;;) {
    const { status, text } = await act();
    if (status === 200) return text;
    if (status !== 503) throw new Error(`the observer answered ${status}: ${text.slice(0, 300)}`);
    await sleep(1_000);
  }
}

/** Counts the lines of a snapshot, page by page. */
async function takeAll(page: (after: string) => Promise<Answer>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let after: string | undefined = "";
  while (after !== undefined) {
    const from: string = after;
    const { lines, next } = JSON.parse(await answered(() => page(from))) as {
      lines: { line: string }[];
      next?: string;
    };
    for (const { line } of lines) counts[line] = (counts[line] ?? 0) + 1;
    after = next;
  }
  return counts;
}

/** From `/proc`, in MiB. */
function residentMiB(pid: number): { now: number; most: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / 1024;
  return { now: of("VmRSS"), most: of("VmHWM") };
}

function urlOf(stderr: NodeJS.ReadableStream): Promise<string> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: stderr });
    lines.on("line", (line) => {
      said.push(line);
      const url = /"url":"(https:[^"]+)"/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
    lines.on("close", () => reject(new Error(`the observer ended:\n${said.slice(-5).join("\n")}`)));
  });
}
