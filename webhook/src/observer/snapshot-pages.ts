/** A snapshot of what the observer knows, page by page, each made anew: nothing is held for whoever asks. */
import {
  askedLabelKeys,
  commonLabelKeys,
  compilePatterns,
  namespaceScope,
  portableScan,
  portableSubject,
  scanKey,
  snapshotVersion,
  withTagsToConfirm,
  type Exemption,
  type ImageScan,
  type Platform,
  type Policy,
  type Regime,
  type Review,
  type SnapshotHead,
  type SnapshotLine,
} from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import type { Background, JudgedWorkload } from "./background.ts";
import type { ReviewStore } from "./events/review-store.ts";
import { nextTurn } from "./next-turn.ts";

/** What a snapshot is made from. */
export interface SnapshotSource {
  cluster: string;
  policyHash: string;
  /** What is in force. */
  inForce: () => Regime;
  reviews: ReviewStore;
  /** Images of the inventory that were never looked up yet. */
  pending: () => number;
  /** Asked for the reports by which a review was judged, which the inventory may not have. */
  lookUp: LookUp;
  now: () => number;
}

/** What of it is asked for. */
export interface SnapshotQuestion {
  /** The `next` of the page before, of this process; empty for the first. */
  after: string;
  visible: (namespace: string) => boolean;
  /** Everything may be seen. Else exemptions and digests on record of other namespaces are left out too. */
  all: boolean;
  /** Labels to keep beside those that the policy in force asks for. */
  labels: readonly string[];
  signal: AbortSignal;
}

/** Some lines of a snapshot. */
export interface SnapshotPage {
  lines: SnapshotLine[];
  /** Where the next page begins; absent on the last. Counts reviews of all namespaces, so readers get it sealed. */
  next?: string;
}

/** Characters after which a page ends. */
const pageLength = 4 * 1024 * 1024;
/** Lines made in one turn of the event loop. */
const linesAtOnce = 50;
/** Longest that the reports of one page are looked up, and how many at a time. */
const lookUpMs = 25_000;
const atOnce = 16;

/** One thing that becomes a line, if it is still there when its turn comes. */
interface Place {
  /** Orders all lines; where the next page goes on. */
  cursor: string;
  line: () => SnapshotLine | undefined | Promise<SnapshotLine | undefined>;
}

/** Builds one page. */
export async function snapshotPage(
  background: Pick<Background, "values" | "scan">,
  source: SnapshotSource,
  question: SnapshotQuestion,
): Promise<SnapshotPage> {
  const { after, signal } = question;
  const lines: SnapshotLine[] = [];
  let length = 0;
  let last: string | undefined;
  const places = placesOf(background, source, question).filter(({ cursor }) => cursor > after);
  for (let start = 0; start < places.length; start += atOnce) {
    signal.throwIfAborted();
    const some = places.slice(start, start + atOnce);
    for (const line of await Promise.all(some.map(async (place) => await place.line()))) {
      if (line === undefined) continue;
      lines.push(line);
      length += JSON.stringify(line).length;
    }
    last = some.at(-1)?.cursor;
    if (start % linesAtOnce < atOnce) await nextTurn();
    if (length >= pageLength && last !== undefined && start + atOnce < places.length)
      return { lines, next: last };
  }
  return { lines };
}

function placesOf(
  background: Pick<Background, "values" | "scan">,
  source: SnapshotSource,
  question: SnapshotQuestion,
): Place[] {
  const { visible, labels, signal } = question;
  const { policy } = source.inForce();
  const keys = [...new Set([...commonLabelKeys, ...askedLabelKeys(policy), ...labels])].sort();
  const scans = new Map<string, Place>();
  const places: Place[] = [{ cursor: "0", line: () => headOf(source, keys, background, question) }];
  for (const one of background.values()) {
    const { subjects } = one;
    // Mirrors of static Pods are written nowhere, and never denied.
    if (!visible(subjects.namespace) || subjects.written.length === 0) continue;
    places.push({ cursor: `1 ${subjects.owner} ${subjects.key}`, line: () => workloadOf(one, keys) });
    for (const reference of withTagsToConfirm(policy, referencesOf(one))) {
      const { platforms } = subjects;
      addScan(scans, reference, platforms, () => background.scan(subjects, reference));
    }
  }
  const limited = AbortSignal.any([signal, AbortSignal.timeout(lookUpMs)]);
  for (const { position, namespace, text, wanted } of source.reviews.after(0)) {
    if (!visible(namespace)) continue;
    places.push({ cursor: `2 ${String(position).padStart(12, "0")}`, line: () => reviewOf(text, keys) });
    for (const { reference, platforms } of wanted)
      addScan(scans, reference, platforms, async () => {
        try {
          return await source.lookUp(reference, { platforms, signal: limited });
        } catch {
          // It is missing then, and whoever judges the snapshot is told so.
          return undefined;
        }
      });
  }
  return [...places, ...scans.values()].sort((a, b) => (a.cursor < b.cursor ? -1 : 1));
}

function addScan(
  places: Map<string, Place>,
  reference: string,
  platforms: readonly Platform[],
  find: () => ImageScan | undefined | Promise<ImageScan | undefined>,
): void {
  const key = scanKey(reference, platforms);
  if (places.has(key)) return;
  places.set(key, {
    cursor: `3 ${key}`,
    async line() {
      const scan = await find();
      return scan && { line: "scan", reference, platforms: [...platforms], scan: portableScan(scan) };
    },
  });
}

function headOf(
  source: SnapshotSource,
  labels: readonly string[],
  background: Pick<Background, "values">,
  { visible, all }: SnapshotQuestion,
): SnapshotHead {
  const { policy, mode, running = [] } = source.inForce();
  const seen = new Set<string>();
  for (const { subjects } of background.values())
    if (visible(subjects.namespace)) seen.add(subjects.namespace);
  for (const { namespace } of source.reviews.after(0)) if (visible(namespace)) seen.add(namespace);
  return {
    line: "gatehouse-snapshot",
    version: snapshotVersion,
    takenAt: new Date(source.now()).toISOString(),
    cluster: source.cluster,
    mode,
    policy: all ? policy : { ...policy, exemptions: concerning(policy.exemptions, seen) },
    policyHash: source.policyHash,
    running: all ? running : running.filter(({ namespace }) => visible(namespace)),
    labels: [...labels],
  };
}

/** Without those that name namespaces and none of these: they may name what somebody else runs. */
function concerning(
  exemptions: Policy["exemptions"],
  namespaces: ReadonlySet<string>,
): Record<string, Exemption> {
  return Object.fromEntries(
    Object.entries(exemptions).filter(([, { where }]) => {
      const { name } = namespaceScope(where?.namespace);
      return name === undefined || [...namespaces].some(compilePatterns(name));
    }),
  );
}

function workloadOf({ subjects }: JudgedWorkload, keys: readonly string[]): SnapshotLine {
  return {
    line: "workload",
    owner: subjects.owner,
    written: subjects.written.map((subject) => portableSubject(subject, keys)),
    running: subjects.running.map(({ subject }) => portableSubject(subject, keys)),
    platforms: [...subjects.platforms],
  };
}

function reviewOf(text: string, keys: readonly string[]): SnapshotLine {
  const review = JSON.parse(text) as Review;
  return { line: "review", review: { ...review, subject: portableSubject(review.subject, keys) } };
}

function referencesOf({ subjects: { written, running } }: JudgedWorkload): Set<string> {
  const all = [...written, ...running.map(({ subject }) => subject)];
  return new Set(all.flatMap(({ images }) => images.map(({ reference }) => reference)));
}
