/** Judges everything in the cluster again whenever something that counts has changed, and says what came out otherwise. */
import type {
  Cluster,
  ImageScan,
  ImpactSubject,
  Mode,
  Platform,
  Policy,
  Ruling,
  RunningDigests,
  Scans,
  Subject,
} from "@gatehouse/policy";
import { judgeWorkload, withTagsToConfirm } from "@gatehouse/policy";
import type { ClusterWatch } from "./inventory/watch-cluster.ts";
import { subjectsOf, type WorkloadSubjects } from "./inventory/subjects.ts";
import type { ReportStore, Wanted } from "./reports/report-store.ts";
import { createKeyedSets } from "./keyed-sets.ts";
import { nextTurn } from "./next-turn.ts";
import { inSlices } from "./slices.ts";
import { verdictOf, type Verdict } from "./verdict.ts";

/** What of a workload is judged: what it says, as if it were created again now, or what its Pods run. */
export type Aspect = "written" | "running";

/** A workload and what the gate makes of it. Verdicts are missing until its images were looked up once. */
export interface JudgedWorkload {
  readonly subjects: WorkloadSubjects;
  readonly written?: Verdict;
  readonly running?: Verdict;
}

/** A verdict that came out otherwise than before. */
export interface VerdictChange {
  readonly aspect: Aspect;
  readonly owner: string;
  readonly subject: Subject;
  readonly was: Verdict;
  readonly ruling: Ruling;
  readonly scans: Scans;
}

/**
 * All workloads with their verdicts. What it is told of is judged soon, in slices, and not before the call returns.
 */
export interface Background {
  /** A workload was changed, made or removed. */
  workloadChanged(key: string): void;
  namespaceChanged(name: string): void;
  reportChanged(wanted: Wanted): void;
  /** Something that concerns all has changed: the policy, the date, the platforms of the nodes. */
  everythingChanged(): void;
  /** By the workload's key. */
  get(key: string): JudgedWorkload | undefined;
  values(): IterableIterator<JudgedWorkload>;
  /** All as an impact is computed from, those of these namespaces. */
  impactSubjects(visible: (namespace: string) => boolean): ImpactSubject[];
  /** Scan of an image of a workload. */
  scan(subjects: WorkloadSubjects, reference: string): ImageScan | undefined;
  /** Workloads that wait to be judged again. */
  readonly queue: number;
  readonly size: number;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
  stop(): void;
}

/** What verdicts depend on, and who is told of those that change. */
export interface BackgroundOptions {
  cluster: Cluster;
  mode: Mode;
  /** Digests on record as running, for `running.admitUntil`. */
  running: RunningDigests;
  /** The same object while nothing changed. */
  policy: () => Policy;
  /** Platforms that the cluster can schedule; empty: all. */
  platforms: () => readonly Platform[];
  watch: Pick<ClusterWatch, "workloads" | "namespaceLabels">;
  reports: Pick<ReportStore, "want" | "drop" | "scan">;
  /** Told when the action, or what it would be in mode deny, came out otherwise. A first verdict is no change. */
  changed: (change: VerdictChange) => void;
  /** Told of each workload that was judged, with the milliseconds it took. */
  judged?: (milliseconds: number) => void;
  /** A workload could not be judged; the others are. */
  onError: (error: unknown) => void;
  /** Milliseconds since 1970. */
  now: () => number;
}

interface Tracked {
  subjects: WorkloadSubjects;
  wanted: readonly Wanted[];
  written?: Verdict;
  running?: Verdict;
}

/** Starts with nothing; the caller tells it of every workload. */
export function createBackground(options: BackgroundOptions): Background {
  const { watch, reports, now } = options;
  const tracked = new Map<string, Tracked>();
  const usedBy = createKeyedSets();
  const inNamespace = createKeyedSets();
  /** To be read anew, and to be judged anew. */
  const changed = new Set<string>();
  const due = new Set<string>();
  let working: Promise<void> | undefined;
  let stopped = false;

  function read(key: string): void {
    const old = tracked.get(key);
    const owned = watch.workloads.get(key);
    const subjects =
      owned &&
      subjectsOf(owned, {
        cluster: options.cluster,
        namespaceLabels: watch.namespaceLabels(owned.namespace),
        platforms: options.platforms(),
      });
    const wanted = subjects === undefined ? [] : wantedBy(subjects, options.policy());
    // New ones first, so that what stays is not forgotten in between.
    for (const image of wanted) {
      reports.want(image);
      usedBy.add(image.reference, key);
    }
    for (const image of old?.wanted ?? []) {
      reports.drop(image);
      if (!wanted.some(({ reference }) => reference === image.reference)) usedBy.remove(image.reference, key);
    }
    if (subjects === undefined) {
      tracked.delete(key);
      if (old !== undefined) inNamespace.remove(old.subjects.namespace, key);
      due.delete(key);
      return;
    }
    tracked.set(key, {
      subjects,
      wanted,
      ...(old?.written === undefined ? {} : { written: old.written }),
      ...(old?.running === undefined ? {} : { running: old.running }),
    });
    inNamespace.add(subjects.namespace, key);
    due.add(key);
  }

  function judge(key: string): void {
    const one = tracked.get(key);
    if (one === undefined) return;
    const scans = scansOf(one);
    // The last of its first look-ups will bring it here again.
    if (scans.size < one.wanted.length) return;
    const { written, running } = one.subjects;
    conclude(one, "written", written, scans);
    conclude(
      one,
      "running",
      running.map(({ subject }) => subject),
      scans,
    );
  }

  function conclude(one: Tracked, aspect: Aspect, subjects: readonly Subject[], scans: Scans): void {
    const [subject] = subjects;
    const was = one[aspect];
    if (subject === undefined) {
      delete one[aspect];
      return;
    }
    const { mode, running } = options;
    const ruling = judgeWorkload({ policy: options.policy(), mode, running }, subjects, scans, now());
    const verdict = verdictOf(ruling);
    one[aspect] = verdict;
    const same =
      was === undefined || (was.action === verdict.action && was.inDenyMode === verdict.inDenyMode);
    if (!same) options.changed({ aspect, owner: one.subjects.owner, subject, was, ruling, scans });
  }

  function scansOf({ wanted }: Tracked): Map<string, ImageScan> {
    const scans = new Map<string, ImageScan>();
    for (const image of wanted) {
      const scan = reports.scan(image);
      if (scan !== undefined) scans.set(image.reference, scan);
    }
    return scans;
  }

  /** Does one thing; false when there is nothing more to do. */
  function step(): boolean {
    if (stopped) return false;
    const [toRead] = changed;
    if (toRead !== undefined) {
      changed.delete(toRead);
      read(toRead);
      return true;
    }
    const [toJudge] = due;
    if (toJudge === undefined) return false;
    due.delete(toJudge);
    const started = performance.now();
    judge(toJudge);
    options.judged?.(performance.now() - started);
    return true;
  }

  function* steps(): Generator<void, void> {
    for (let more = true; more;) {
      try {
        more = step();
      } catch (error) {
        options.onError(error);
      }
      yield;
    }
  }

  async function work(): Promise<void> {
    // Whoever tells of one change often tells of more in the same turn.
    await nextTurn();
    await inSlices(steps());
  }

  function wake(): void {
    if (stopped || working !== undefined) return;
    working = work().finally(() => {
      working = undefined;
      if (changed.size + due.size > 0) wake();
    });
  }

  return {
    workloadChanged(key) {
      changed.add(key);
      wake();
    },
    namespaceChanged(name) {
      for (const key of inNamespace.at(name)) changed.add(key);
      wake();
    },
    reportChanged({ reference }) {
      for (const key of usedBy.at(reference)) due.add(key);
      wake();
    },
    everythingChanged() {
      for (const key of tracked.keys()) changed.add(key);
      wake();
    },
    get: (key) => tracked.get(key),
    values: () => tracked.values(),
    impactSubjects(visible) {
      const all: ImpactSubject[] = [];
      for (const one of tracked.values()) {
        const { subjects } = one;
        const [subject, ...also] = subjects.written;
        // Mirrors of static Pods are never denied.
        if (subject === undefined || !visible(subjects.namespace)) continue;
        const scans = scansOf(one);
        all.push({
          owner: subjects.owner,
          subject,
          also,
          scans,
          running: subjects.running.map(({ subject }) => ({ subject, scans })),
        });
      }
      return all;
    },
    scan: ({ platforms }, reference) => reports.scan({ reference, platforms }),
    get queue() {
      return changed.size + due.size;
    },
    get size() {
      return tracked.size;
    },
    async idle() {
      for (let current = working; current !== undefined; current = working) await current;
    },
    stop() {
      stopped = true;
    },
  };
}

function wantedBy({ written, running, platforms }: WorkloadSubjects, policy: Policy): Wanted[] {
  const references = [...written, ...running.map(({ subject }) => subject)].flatMap(({ images }) =>
    images.map(({ reference }) => reference),
  );
  return withTagsToConfirm(policy, references).map((reference) => ({ reference, platforms }));
}
