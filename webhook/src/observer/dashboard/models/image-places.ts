/** Where an image is: every workload that names it or runs it, and what the rules make of it there. */
import {
  decide,
  formatRepository,
  parseImageReference,
  type ImageDecision,
  type ImageScan,
  type Mode,
  type Outcome,
  type Subject,
} from "@gatehouse/policy";
import type { Aspect, Background, JudgedWorkload } from "../../background.ts";
import { imageLink, link } from "../links.ts";
import type { Regime } from "../survey.ts";
import type { Table } from "../table.ts";
import { outcomeCell } from "../words.ts";
import { nameOf } from "./now.ts";

/** One place. */
export interface Place {
  one: JudgedWorkload;
  aspect: Aspect;
  subject: Subject;
  /** As it is written there. */
  reference: string;
  pods: number | undefined;
  scan: ImageScan;
  decision: ImageDecision | undefined;
  outcome: Outcome;
}

/** All of them among workloads, the worst first. */
export function imagePlaces(
  workloads: Iterable<JudgedWorkload>,
  background: Pick<Background, "scan">,
  regime: Regime,
  wanted: string,
  now: number,
): Place[] {
  return [...placesOf(workloads, background, regime, wanted, now)].sort(byWorst);
}

function* placesOf(
  workloads: Iterable<JudgedWorkload>,
  background: Pick<Background, "scan">,
  { policy, running }: Regime,
  wanted: string,
  now: number,
): Generator<Place> {
  const all = [...workloads];
  const digest = digestOf(all, background, wanted);
  for (const one of all) {
    const { subjects } = one;
    const written = subjects.written.map((subject) => ({
      aspect: "written" as const,
      subject,
      pods: undefined,
    }));
    const run = subjects.running.map(({ subject, pods }) => ({ aspect: "running" as const, subject, pods }));
    const seen = new Set<Aspect>();
    for (const { aspect, subject, pods } of [...written, ...run]) {
      const reference = subject.images
        .map((image) => image.reference)
        .find(
          (other) => other === wanted || sameImage(other, wanted, digest, background.scan(subjects, other)),
        );
      if (reference === undefined || seen.has(aspect)) continue;
      const scan = background.scan(subjects, reference);
      if (scan === undefined) continue;
      seen.add(aspect);
      const onRecord = running.filter(({ namespace }) => namespace === subjects.namespace);
      const judged = { ...imageAlone(subject, reference), running: onRecord };
      const { images } = decide(policy, judged, new Map([[reference, scan]]), now);
      const [decision] = images;
      yield {
        one,
        aspect,
        subject: judged,
        reference,
        pods,
        scan,
        decision,
        outcome: decision?.outcome ?? "deny",
      };
    }
  }
}

function digestOf(
  workloads: readonly JudgedWorkload[],
  background: Pick<Background, "scan">,
  reference: string,
): string | undefined {
  for (const { subjects } of workloads) {
    const digest = background.scan(subjects, reference)?.digest;
    if (digest !== undefined) return digest;
  }
  return undefined;
}

/** Whether a reference by tag and one by digest name the same image of one repository now. */
function sameImage(
  other: string,
  wanted: string,
  digest: string | undefined,
  scan: ImageScan | undefined,
): boolean {
  if (digest === undefined || scan?.digest !== digest) return false;
  const [a, b] = [parseImageReference(other), parseImageReference(wanted)];
  return a.ok && b.ok && formatRepository(a.reference) === formatRepository(b.reference);
}

function imageAlone(subject: Subject, reference: string): Subject {
  return { ...subject, images: subject.images.filter((image) => image.reference === reference) };
}

/** From the worst on. */
export const order: readonly Outcome[] = ["deny", "audit", "allow"];

function byWorst(a: Place, b: Place): number {
  return (
    order.indexOf(a.outcome) - order.indexOf(b.outcome) ||
    (a.one.subjects.owner < b.one.subjects.owner ? -1 : 1)
  );
}

/** The table of them. */
export function placeTable(places: readonly Place[], reference: string, mode: Mode): Table {
  return {
    name: "places",
    caption: "Where it is",
    empty: "Nowhere.",
    columns: [
      { key: "workload", label: "Workload" },
      { key: "as", label: "As" },
      { key: "pods", label: "Pods", kind: "number" },
      { key: "verdict", label: "Verdict there" },
      { key: "admissions", label: "Admissions" },
    ],
    rows: places.map(({ one, aspect, pods, outcome }) => {
      const { owner, namespace } = one.subjects;
      return [
        { text: owner, href: imageLink(reference, owner) },
        aspect === "written" ? "written in its template" : "running",
        pods ?? "",
        outcomeCell(outcome, mode),
        { text: `of ${nameOf(owner)}`, href: link("admissions", { namespace, workload: nameOf(owner) }) },
      ];
    }),
  };
}
