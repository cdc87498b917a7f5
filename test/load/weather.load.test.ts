/**
 * Reviews by the thousand while the registry answers, slows down, fails, falls silent, lies and recovers: never a
 * time-out, never a 5xx, and every decision the one that the rules name for what could be known.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { definePolicy, deny, findings, states } from "@gatehouse/policy";
import { fakeRegistry, misbehaviours, type FakeRegistry } from "@gatehouse/scans/testing";
import { serve, type ServerType } from "@hono/node-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { finding, report } from "../gate/reports.ts";
import { startJudge, type JudgeProcess, type Verdict } from "./judge-process.ts";
import { soak } from "./soak.ts";

const reviews = soak ? 10_000 : 1_000;
const connections = 50;
/** The API server's time-out: the longest while an answer is to be had, however busy the machine, and a short one else. */
const long = 30;
const short = 5;
/** New images of each kind and weather. Each costs a registry half a dozen requests; the rest is answered from memory. */
const each = 8;

const policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals do not ship, nor what nobody could judge",
      when: findings({ minSeverity: "critical" }),
      onScan: { ...states.strict, absent: "audit" },
    }),
  },
  defaultRule: false,
});

/** What is pushed, and what the rules say of it while its registry can be believed. */
const kinds = {
  clean: { allowed: true, code: undefined },
  critical: { allowed: false, code: "GH1001" },
  absent: { allowed: true, code: "GH1015" },
} as const;
type Kind = keyof typeof kinds;

let host: string;
let registry: FakeRegistry;
let server: ServerType;
let judge: JudgeProcess;
let asked = 0;
/** The largest share of the time-out that an answer took. */
let slowest = 0;

beforeAll(async () => {
  registry = fakeRegistry({});
  server = serve({
    fetch: (request: Request) => registry.app.fetch(request),
    hostname: "127.0.0.1",
    port: 0,
  });
  await once(server, "listening");
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  judge = await startJudge(
    policy,
    [{ type: "referrer", name: "attached", registries: [host], plainHttp: true, allowUnsigned: true }],
    connections,
  );
}, 120_000);

afterAll(() => {
  server?.close();
});

/** Pushes images of a kind that nobody has asked about yet; by digest, so that only their reports can be unknown. */
function pushed(weather: string, kind: Kind): string[] {
  return Array.from({ length: each }, (_, index) => {
    const repository = `${weather}/${kind}`;
    const tag = String(index);
    const image = registry.pushImage(repository, { tag, content: `${repository}:${tag}` });
    const reference = `${host}/${repository}:${tag}`;
    if (kind !== "absent")
      registry.attach(repository, image, {
        artifactType: "application/vnd.aquasec.trivy.report+json",
        content: report({ reference, digest: image.digest }, kind === "critical" ? [finding] : []),
      });
    return `${host}/${repository}@${image.digest}`;
  });
}

/** Reviews of these images in turn, some at a time; the distinct verdicts, and the slowest answer's time. */
async function verdicts(
  images: readonly string[],
  count: number,
  seconds = long,
): Promise<Omit<Verdict, "milliseconds">[]> {
  const seen = new Map<string, Omit<Verdict, "milliseconds">>();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const { milliseconds, ...verdict } = await judge.review(images[next++ % images.length] ?? "", seconds);
      asked++;
      slowest = Math.max(slowest, milliseconds / (seconds * 1000));
      seen.set(JSON.stringify(verdict), verdict);
    }
  };
  await Promise.all(Array.from({ length: Math.min(connections, count) }, worker));
  return [...seen.values()];
}

const kindNames = Object.keys(kinds) as Kind[];
const known = { clean: [], critical: [], absent: [] } as Record<Kind, string[]>;
const believed = (kind: Kind) => [{ status: 200, ...kinds[kind] }];
const unavailable = [{ status: 200, allowed: false, code: "GH1017" }];

/** Reviews of images that were never asked about, and of those that are known; a share of all reviews for each. */
async function weather(name: string, behave: FakeRegistry["misbehave"], seconds: number) {
  const fresh = Object.fromEntries(kindNames.map((kind) => [kind, pushed(name, kind)])) as typeof known;
  registry.misbehave = behave;
  const share = Math.ceil(reviews / 36);
  const answers = { fresh: {} as Record<Kind, unknown>, known: {} as Record<Kind, unknown> };
  for (const kind of kindNames) {
    answers.fresh[kind] = await verdicts(fresh[kind], share, seconds);
    // What nobody has scanned is asked about again after seconds, so that it may not be known any more.
    if (known[kind].length > 0 && kind !== "absent")
      answers.known[kind] = await verdicts(known[kind], share, seconds);
  }
  registry.misbehave = undefined;
  return { ...answers, images: fresh };
}

const asBelieved = { clean: believed("clean"), critical: believed("critical"), absent: believed("absent") };
const asUnknown = { clean: unavailable, critical: unavailable, absent: unavailable };
const knownStill = { clean: believed("clean"), critical: believed("critical") };

test("it answers", async () => {
  const { fresh, images } = await weather("sunny", undefined, long);
  Object.assign(known, images);
  expect(fresh).toEqual(asBelieved);
});

test("it is slow, but in time", async () => {
  const { fresh, known: remembered } = await weather("slow", misbehaviours.slow(150), long);
  expect({ fresh, remembered }).toEqual({ fresh: asBelieved, remembered: knownStill });
});

test("it fails", async () => {
  const { fresh, known: remembered } = await weather("failing", misbehaviours.answers(503), short);
  expect({ fresh, remembered }).toEqual({ fresh: asUnknown, remembered: knownStill });
  await healed();
});

test("it says nothing", async () => {
  const { fresh, known: remembered } = await weather("silent", misbehaviours.silent, short);
  expect({ fresh, remembered }).toEqual({ fresh: asUnknown, remembered: knownStill });
  await healed();
});

test("it lies about its content", async () => {
  const { fresh, known: remembered } = await weather("lying", misbehaviours.wrongBytes, short);
  expect({ fresh, remembered }).toEqual({ fresh: asUnknown, remembered: knownStill });
  await healed();
});

/** Waits until the judge has noticed that the registry is well again. */
async function healed(): Promise<void> {
  const [probe] = pushed(`healing-${asked}`, "clean");
  await eventually(async () => {
    const { milliseconds: _, ...verdict } = await judge.review(probe ?? "", short);
    asked++;
    expect([verdict]).toEqual(believed("clean"));
  }, 90);
}

test("it recovers, and everything is judged as if nothing had been", async () => {
  const { fresh, known: remembered } = await weather("recovered", undefined, long);
  expect({ fresh, remembered }).toEqual({ fresh: asBelieved, remembered: knownStill });
});

test("all were answered in time by the judge itself, with an event for each", async () => {
  const rest = Math.max(0, reviews - asked);
  expect(await verdicts(known.critical, rest)).toEqual(rest === 0 ? [] : believed("critical"));
  process.stderr.write(`${asked} reviews, the slowest took ${Math.round(slowest * 100)} % of its time-out\n`);
  expect(slowest).toBeLessThan(1);
  const { events, errors, code } = await judge.stop();
  expect({ events, errors, code }).toEqual({ events: asked, errors: [], code: 0 });
  expect(asked).toBeGreaterThanOrEqual(reviews);
});
