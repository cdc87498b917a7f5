/** Keeps one report for each workload in the cluster: few writes, and only of what has changed. */
import { setTimeout as sleepFor } from "node:timers/promises";
import { isKubeError, type Kube } from "@gatehouse/kube";
import type { Log } from "../../judge/log.ts";
import type { Aspect, JudgedWorkload } from "../background.ts";
import type { Verdict } from "../verdict.ts";
import { nextTurn } from "../next-turn.ts";
import type { Survey } from "../dashboard/survey.ts";
import { findReportApi, type ReportApi } from "./report-api.ts";
import { contentAnnotation, reportLabels, reportObject, type ReportObject } from "./report-object.ts";

/** Keeps the cluster's reports as the verdicts are. */
export interface ReportWriter {
  /** Brings all reports up to date once; rounds follow each other by themselves after `start`. Never rejects. */
  round(): Promise<void>;
  start(): void;
  /** How it fares, in a sentence. */
  state(): { well: boolean; detail: string };
  /** Resolves when no write is under way any more. */
  stop(): Promise<void>;
}

/** What reports are made of, and how they are written. */
export interface ReportWriterOptions {
  kube: Pick<Kube, "hasApi" | "list" | "apply" | "delete">;
  /** Everything that is judged; undefined until the cluster was read. */
  workloads: () => Iterable<JudgedWorkload> | undefined;
  /** Whether these are all: until then nothing is taken for gone. */
  settled: () => boolean;
  survey: Pick<Survey, "ruling">;
  log: Log;
  /** Told of each write. */
  written?: () => void;
  /** Milliseconds since 1970. */
  now: () => number;
  /** @default a timer */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** No more than five writes in a second, whatever changes. */
export const writePauseMs = 200;
const roundMs = 10_000;
/** How long until a cluster without reports, or that refuses them, is asked again; milliseconds. */
const againMs = 10 * 60_000;
const sliceMs = 20;

/** Nothing is asked or written before the first round. */
export function createReportWriter(options: ReportWriterOptions): ReportWriter {
  const { kube, survey, log, now } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const sleep =
    options.sleep ??
    (async (ms, until) => {
      await sleepFor(ms, undefined, { signal: until });
    });
  let api: ReportApi | undefined;
  let askAt = 0;
  let detail = "not asked yet whether the cluster serves reports";
  let well = true;
  /** Content of the reports that are there, by namespace and name. */
  let there: Map<string, string> | undefined;
  /** Verdicts of which the report tells, by the workload's key. */
  const told = new Map<string, { verdicts: readonly (Verdict | undefined)[]; at: string | undefined }>();
  let running: Promise<void> = Promise.resolve();

  async function discover(): Promise<boolean> {
    if (api !== undefined) return true;
    if (now() < askAt) return false;
    askAt = now() + againMs;
    api = await findReportApi(kube);
    there = undefined;
    told.clear();
    if (api === undefined) detail = "the cluster serves neither OpenReports nor PolicyReport";
    return api !== undefined;
  }

  async function readThere(found: ReportApi): Promise<Map<string, string>> {
    if (there !== undefined) return there;
    const labelSelector = Object.entries(reportLabels)
      .map(([key, value]) => `${key}=${value}`)
      .join(",");
    const { items } = await kube.list(found.resource, { labelSelector, metadataOnly: true, signal });
    there = new Map(
      items.map(({ metadata }) => [
        placeOf(metadata.namespace ?? "", metadata.name),
        metadata.annotations?.[contentAnnotation] ?? "",
      ]),
    );
    return there;
  }

  async function work(): Promise<void> {
    const workloads = options.workloads();
    if (workloads === undefined || !(await discover()) || api === undefined) return;
    const known = await readThere(api);
    const whole = options.settled();
    const alive = new Set<string>();
    const wanted = new Set<string>();
    /** Namespaces in which something was not judged yet, whose report may be among those that are there. */
    const open = new Set<string>();
    let begun = performance.now();
    for (const one of Array.from(workloads)) {
      if (signal.aborted) return;
      if (performance.now() - begun > sliceMs) {
        await nextTurn();
        begun = performance.now();
      }
      const { key } = one.subjects;
      alive.add(key);
      const verdicts = [one.written, one.running];
      const before = told.get(key);
      if (before !== undefined && before.verdicts.every((verdict, at) => verdict === verdicts[at])) {
        if (before.at !== undefined) wanted.add(before.at);
        continue;
      }
      if (one.written === undefined && one.running === undefined) open.add(one.subjects.namespace);
      const report = reportOf(api, one);
      const place = report && placeOf(report.namespace, report.name);
      if (place !== undefined) wanted.add(place);
      if (report !== undefined && place !== undefined && known.get(place) !== report.content) {
        await write(() => kube.apply((api as ReportApi).resource, report.manifest, { force: true, signal }));
        known.set(place, report.content);
      }
      if (report !== undefined) told.set(key, { verdicts, at: place });
    }
    for (const key of told.keys()) if (!alive.has(key)) told.delete(key);
    for (const place of whole ? [...known.keys()] : []) {
      const [namespace = "", name = ""] = place.split("/");
      if (wanted.has(place) || open.has(namespace)) continue;
      // Most are gone already, with their owners.
      await write(() => kube.delete((api as ReportApi).resource, { namespace, name }, { signal }));
      known.delete(place);
    }
    well = true;
    detail = `${known.size} of ${api.resource.group}/${api.resource.version} ${api.resource.kind}`;
  }

  function reportOf(found: ReportApi, one: JudgedWorkload): ReportObject | undefined {
    const rulings = (["written", "running"] as const).flatMap(
      (aspect): [Aspect, NonNullable<ReturnType<Survey["ruling"]>>["ruling"]][] => {
        const judged = one[aspect] === undefined ? undefined : survey.ruling(one, aspect);
        return judged === undefined ? [] : [[aspect, judged.ruling]];
      },
    );
    return rulings.length === 0 ? undefined : reportObject(found, one.subjects, rulings);
  }

  async function write(send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
      options.written?.();
    } catch (error) {
      // Its namespace or its owner has gone meanwhile, which the inventory will say too.
      if (!isKubeError(error, "not-found")) throw error;
    }
    await sleep(writePauseMs, signal);
  }

  async function round(): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      const why = error instanceof Error ? error.message : String(error);
      if (well || detail !== why) log("warn", "reports cannot be written", { error });
      well = false;
      detail = why;
      // What was read may no longer hold; nor may the kind be served any more.
      there = undefined;
      if (isKubeError(error, "forbidden") || isKubeError(error, "not-found")) {
        api = undefined;
        askAt = now() + againMs;
      }
    }
  }

  return {
    round,
    start() {
      running = (async () => {
        while (!signal.aborted) {
          await round();
          await sleep(roundMs, signal).catch(() => undefined);
        }
      })();
    },
    state: () => ({ well, detail }),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function placeOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
