/**
 * Admissions by the thousand while the receiver of events is slow, down, refusing and back, and judges and the observer
 * are killed in between: each decision's line is on standard output once, and what the receiver missed is what the
 * counters say.
 */
import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { Agent } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { definePolicy, deny, findings, states } from "@gatehouse/policy";
import { buildBundle, buildObserver } from "@gatehouse/webhook/build";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { clean, registryHost, reports, vulnerable } from "../gate/reports.ts";
import { writeGateFiles, type GateFiles } from "./gate-files.ts";
import { postReview, startJudgeProgram } from "./judge-process.ts";
import { scrape, sum } from "./metrics.ts";
import { openSmallCluster, type SmallCluster } from "./observer-process.ts";
import type { Program } from "./program.ts";
import { openReceiver, type Mood, type Receiver } from "./receiver.ts";
import { soak } from "./soak.ts";
import { createLedger, faultsOf, note, type Ledger } from "./told.ts";
import { freePort } from "../free-port.ts";

const admissions = soak ? 100_000 : 10_000;
const connections = 32;
/** Each so many-th request is sent twice at the same time, or is a dry run. */
const doubledEach = 50;
const dryRunEach = 97;
/** A judge is back within seconds. */
const mostAttempts = 5_000;
/** Owners that deploy again and again, so that a key is said more than once. */
const owners = admissions / 4;
/** Limit of a part's memory that `Gate` sets unless told otherwise, in MiB. */
const memoryLimit = 384;

/** The receiver's moods, each for a share of all admissions, and who is killed when it begins. */
const weather: readonly { mood: Mood; share: number; killed?: "judge" | "observer" }[] = [
  { mood: "well", share: 0.1 },
  { mood: "slow", share: 0.15, killed: "judge" },
  { mood: "down", share: 0.2 },
  { mood: "well", share: 0.1, killed: "observer" },
  { mood: "refusing", share: 0.1, killed: "judge" },
  { mood: "limiting", share: 0.1 },
  { mood: "well", share: 0.25, killed: "judge" },
];

const policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals do not ship",
      when: findings({ minSeverity: "critical" }),
      onScan: states.strict,
    }),
  },
  defaultRule: false,
});

interface JudgeSlot {
  readonly name: string;
  program: Program;
  agent: Agent;
  ledger: Ledger;
}

let files: GateFiles;
let cluster: SmallCluster;
let receiver: Receiver;
let judgeFile: string;
let observerFile: string;
let observer: Program;
let observerPort: number;
let slots: JudgeSlot[];
/** All starts of judges, those that were killed among them. */
const ledgers: Ledger[] = [];
const peaks = { judge: 0, observer: 0 };

beforeAll(async () => {
  receiver = await openReceiver();
  observerPort = await freePort();
  files = await writeGateFiles(policy, (folder) => ({
    sources: [
      { type: "file", name: "reports", directory: join(folder, "reports"), registries: [registryHost] },
    ],
    eventSink: { url: receiver.url },
  }));
  await mkdir(join(files.folder, "reports"));
  await Promise.all(Object.entries(reports).map(([name, text]) => files.write(join("reports", name), text)));
  cluster = await openSmallCluster(files);
  ({ file: judgeFile } = await buildBundle(join(files.folder, "judge.mjs")));
  ({ file: observerFile } = await buildObserver(join(files.folder, "observer.mjs")));
  observer = await startObserver();
  slots = await Promise.all(["judge-0", "judge-1"].map(startJudge));
}, 120_000);

afterAll(async () => {
  await Promise.all([...(slots ?? []).map(({ program }) => program.kill()), observer?.kill()]);
  await Promise.all([cluster?.close(), receiver?.close()]);
  await files?.remove();
});

/** Always where judges look for it, as a Service would have it. */
function startObserver(): Promise<Program> {
  const args = [`--listen=127.0.0.1:${observerPort}`, "--instance=observer-0"];
  return cluster.observer(observerFile, { args });
}

async function startJudge(name: string): Promise<JudgeSlot> {
  const ledger = createLedger();
  ledgers.push(ledger);
  const flags = await cluster.judgeFlags(`https://127.0.0.1:${observerPort}`);
  const program = await startJudgeProgram(judgeFile, files, {
    args: [...flags, `--instance=${name}`],
    line: (text) => note(ledger, text),
  });
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: files.authority.certificate });
  return { name, program, agent, ledger };
}

let made = 0;

/** One admission, sent again under a new name to the other judge when the connection breaks, as controllers do. */
async function admit(): Promise<void> {
  const at = made++;
  const owner = at % owners;
  const image = owner % 3 === 0 ? clean : vulnerable;
  for (let attempt = 0; ; attempt++) {
    const slot = slots[(at + attempt) % slots.length];
    if (slot === undefined) throw new Error("there is no judge");
    const { ledger, agent, program } = slot;
    const uid = randomUUID();
    const dryRun = at % dryRunEach === 0;
    if (dryRun) ledger.silent.add(uid);
    const body = review(uid, `app-${owner}`, image.reference, dryRun);
    const send = async () => {
      const { status } = await postReview(agent, `${program.url}/validate/${files.secret}?timeout=10s`, body);
      if (status !== 200) throw new Error(`a judge answered ${status}`);
      ledger.answered.add(uid);
    };
    const sent = await Promise.allSettled(at % doubledEach === 0 ? [send(), send()] : [send()]);
    const broken = sent.flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : []));
    if (broken.length === 0) return;
    ledger.broken.add(uid);
    if (!broken.every(({ message }) => /ECONN|socket hang up|EPIPE/.test(message))) throw broken[0];
    if (broken.length < sent.length) return;
    if (attempt === mostAttempts) throw broken[0];
    await sleep(5);
  }
}

function review(uid: string, name: string, image: string, dryRun: boolean): string {
  const metadata = { name, namespace: "shop", uid: `uid-of-${name}`, labels: { app: name } };
  return JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid,
      kind: { group: "", version: "v1", kind: "Pod" },
      name,
      namespace: "shop",
      operation: "CREATE",
      userInfo: { username: "load", groups: ["system:authenticated"] },
      object: { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [{ name: "app", image }] } },
      oldObject: null,
      dryRun,
    },
  });
}

/** So many admissions; `meanwhile` runs once when a third of them is done. */
async function admitMany(count: number, meanwhile: () => Promise<void>): Promise<void> {
  let begun = 0;
  let done = 0;
  let aside: Promise<void> | undefined;
  const worker = async () => {
    while (begun++ < count) {
      await admit();
      if (++done === Math.ceil(count / 3)) aside = meanwhile();
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  await aside;
}

async function notePeak(part: keyof typeof peaks, program: Program): Promise<void> {
  peaks[part] = Math.max(peaks[part], await program.peakMemory());
}

interface JudgeCounts {
  /** Events that the observer took. */
  sent: number;
  dropped: number;
  /** Lines that standard output did not take. */
  unwritten: number;
}

async function judgeCounts({ program }: JudgeSlot): Promise<JudgeCounts> {
  const samples = await scrape(program.metricsUrl, files.authority.certificate);
  return {
    sent: samples.get('gatehouse_events_total{sink="observer"}') ?? 0,
    dropped: samples.get('gatehouse_events_dropped_total{sink="observer"}') ?? Number.NaN,
    unwritten: samples.get('gatehouse_events_dropped_total{sink="output"}') ?? Number.NaN,
  };
}

let kills = 0;
/** Judges that were killed, as their counts were a moment before. */
const killed: { ledger: Ledger; counts: JudgeCounts }[] = [];

/** In the middle of its work, with a new one in its place at once. */
async function killJudge(): Promise<void> {
  const at = kills++ % slots.length;
  const slot = slots[at];
  if (slot === undefined) throw new Error("there is no judge");
  await notePeak("judge", slot.program);
  const counts = await judgeCounts(slot);
  await slot.program.kill();
  slot.agent.destroy();
  killed.push({ ledger: slot.ledger, counts });
  slots[at] = await startJudge(slot.name);
}

interface SinkCounts {
  /** Events that the observer took from judges. */
  stored: number;
  sent: number;
  dropped: number;
  waiting: number;
}
/** Of all starts of the observer, as they were when nothing was under way. */
const sinkCounts: SinkCounts[] = [];

async function countsOf(program: Program): Promise<SinkCounts> {
  const samples = await scrape(program.metricsUrl, files.authority.certificate);
  return {
    stored: samples.get('gatehouse_observer_events_received_total{outcome="stored"}') ?? 0,
    sent: sum(samples, "gatehouse_event_sink_sent_total"),
    dropped: sum(samples, "gatehouse_event_sink_dropped_total"),
    waiting: sum(samples, "gatehouse_event_sink_waiting"),
  };
}

/** Once two looks a second apart find the same. */
async function countsAtRest(program: Program): Promise<SinkCounts> {
  for (let before = ""; ;) {
    const counts = await countsOf(program);
    const text = JSON.stringify(counts);
    if (text === before) return counts;
    before = text;
    await sleep(1_000);
  }
}

/** While nothing is under way, so that its counts are those of its end. It comes back in the middle of the load. */
async function killObserver(): Promise<void> {
  sinkCounts.push(await countsAtRest(observer));
  await notePeak("observer", observer);
  await observer.kill();
}

async function admitInAllWeathers(): Promise<void> {
  for (const { mood, share, killed: whom } of weather) {
    if (whom === "observer") await killObserver();
    receiver.mood = mood;
    await admitMany(Math.round(admissions * share), async () => {
      if (whom === "judge") await killJudge();
      if (whom === "observer") observer = await startObserver();
    });
    // However quickly the load is done, it is to meet the receiver in this mood.
    if (mood === "refusing")
      await eventually(async () => expect((await countsOf(observer)).dropped).toBeGreaterThan(0), 60);
  }
}

const total = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

test(`${admissions} admissions: each decision has its line, once; what the receiver missed was counted`, async () => {
  const begun = performance.now();
  await admitInAllWeathers();
  const seconds = Math.round((performance.now() - begun) / 1000);

  // All that waits is handed over: from the judges that live to the observer, and from there to the receiver.
  const living = await eventually(async () => {
    const counts = await Promise.all(slots.map(judgeCounts));
    expect(counts.map(({ sent, dropped }) => sent + dropped)).toEqual(
      slots.map(({ ledger }) => ledger.lines.length),
    );
    return counts;
  }, 120);
  await eventually(async () => expect((await countsOf(observer)).waiting).toBe(0), 120);
  sinkCounts.push(await countsAtRest(observer));
  await Promise.all([
    notePeak("observer", observer),
    ...slots.map(({ program }) => notePeak("judge", program)),
  ]);
  expect(await Promise.all(slots.map(({ program }) => program.stop()))).toEqual([0, 0]);

  // Standard output, for each start of a judge, however it ended.
  expect(ledgers.map(faultsOf)).toEqual(ledgers.map(() => faultsOf(createLedger())));
  expect(living.map(({ unwritten }) => unwritten)).toEqual([0, 0]);
  const names = new Set(ledgers.flatMap(({ lines }) => lines.map(({ name }) => name)));
  const lines = total(ledgers.map((ledger) => ledger.lines.length));
  expect(names.size).toBe(lines);

  // The receiver: each event once, and none that standard output does not have.
  expect([...receiver.taken].filter(([name, times]) => times !== 1 || !names.has(name))).toEqual([]);
  expect(receiver.taken.size).toBe(total(sinkCounts.map(({ sent }) => sent)));
  for (const { stored, sent, dropped, waiting } of sinkCounts) expect(sent + dropped + waiting).toBe(stored);

  // What it missed: what was dropped, what a killed observer had not sent, and what killed judges had not handed over.
  const stored = total(sinkCounts.map((counts) => counts.stored));
  const counted = {
    droppedByJudges: total(living.map(({ dropped }) => dropped)),
    droppedByObserver: total(sinkCounts.map(({ dropped }) => dropped)),
    waitedInKilledObserver: total(sinkCounts.map(({ waiting }) => waiting)),
    waitedInKilledJudges:
      total(killed.map(({ ledger }) => ledger.lines.length)) -
      (stored - total(living.map(({ sent }) => sent))),
  };
  expect(lines - receiver.taken.size).toBe(total(Object.values(counted)));
  // By their own counts of a moment before, with what came in that moment.
  const atMost = total(killed.map(({ ledger, counts }) => ledger.lines.length - counts.sent));
  expect(counted.waitedInKilledJudges).toBeGreaterThanOrEqual(0);
  expect(counted.waitedInKilledJudges).toBeLessThanOrEqual(atMost);
  expect(counted.droppedByObserver).toBeGreaterThan(0);
  expect(counted.waitedInKilledObserver).toBeGreaterThan(0);

  expect(Math.max(peaks.judge, peaks.observer)).toBeLessThan(memoryLimit);
  const broken = total(ledgers.map((ledger) => ledger.broken.size));
  process.stderr.write(
    `${JSON.stringify({ admissions, seconds, lines, broken, taken: receiver.taken.size, ...counted, peaks })}\n`,
  );
}, 3_600_000);
