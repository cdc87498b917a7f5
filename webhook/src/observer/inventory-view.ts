/** What runs, as it is shown to people and programs. */
import {
  parseImageReference,
  formatRepository,
  type RunningDigests,
  type ScanState,
} from "@gatehouse/policy";
import type { Background, JudgedWorkload } from "./background.ts";
import type { Verdict } from "./verdict.ts";

/** One image of a workload. */
export interface InventoryImage {
  reference: string;
  /** What the reference names now, or what runs; absent when it is not known. */
  digest?: string;
  /** Worst first, of its platforms. */
  states: readonly ScanState[];
  /** Whether the workload says so, or its Pods run it. */
  aspect: "written" | "running";
  /** Pods that run it. */
  pods?: number;
}

/** One workload. */
export interface InventoryItem {
  /** `namespace/Kind/name` of the top owner. */
  owner: string;
  namespace: string;
  pods: number;
  images: readonly InventoryImage[];
  /** What would happen if it were created again now; absent until its images were looked up once. */
  written?: Verdict;
  /** What the rules make of what its Pods run. */
  running?: Verdict;
}

/** A page of the inventory, by owner. */
export interface InventoryPage {
  items: readonly InventoryItem[];
  /** Pass it as `after` for the next page; absent on the last. */
  next?: string;
}

/** Builds one page. `after` is the owner that the page before ended with. */
export function inventoryPage(
  background: Pick<Background, "values" | "scan">,
  options: { after: string; limit: number; visible: (namespace: string) => boolean },
): InventoryPage {
  const { after, limit, visible } = options;
  const found = [...background.values()]
    .filter(({ subjects }) => subjects.owner > after && visible(subjects.namespace))
    .sort((a, b) => (a.subjects.owner < b.subjects.owner ? -1 : 1));
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map((one) => itemOf(one, background)),
    ...(found.length > limit && last !== undefined ? { next: last.subjects.owner } : {}),
  };
}

function itemOf(one: JudgedWorkload, background: Pick<Background, "scan">): InventoryItem {
  const { subjects, written, running } = one;
  const images = new Map<string, InventoryImage>();
  const add = (reference: string, aspect: InventoryImage["aspect"], pods?: number) => {
    const scan = background.scan(subjects, reference);
    const key = `${aspect} ${reference}`;
    const known = images.get(key);
    const count = pods === undefined ? known?.pods : (known?.pods ?? 0) + pods;
    images.set(key, {
      reference,
      ...(scan?.digest === undefined ? {} : { digest: scan.digest }),
      states: [...new Set(scan?.platforms.map(({ report }) => report.state))],
      aspect,
      ...(count === undefined ? {} : { pods: count }),
    });
  };
  for (const { images } of subjects.written) for (const { reference } of images) add(reference, "written");
  for (const { subject, pods } of subjects.running)
    for (const reference of new Set(subject.images.map(({ reference }) => reference)))
      add(reference, "running", pods);
  return {
    owner: subjects.owner,
    namespace: subjects.namespace,
    pods: subjects.pods,
    images: [...images.values()],
    ...(written === undefined ? {} : { written }),
    ...(running === undefined ? {} : { running }),
  };
}

/** Every digest that runs, in the form in which a gate is told of digests on record. */
export function runningDigests(
  background: Pick<Background, "values">,
  visible: (namespace: string) => boolean,
): RunningDigests {
  const found = new Map<string, { namespace: string; repository: string; digests: Set<string> }>();
  for (const { subjects } of background.values()) {
    const { namespace } = subjects;
    if (!visible(namespace)) continue;
    for (const { subject } of subjects.running)
      for (const { reference } of subject.images) {
        const parsed = parseImageReference(reference);
        if (!parsed.ok || parsed.reference.digest === undefined) continue;
        const repository = formatRepository(parsed.reference);
        const key = `${namespace} ${repository}`;
        const known = found.get(key) ?? { namespace, repository, digests: new Set() };
        found.set(key, known);
        known.digests.add(parsed.reference.digest);
      }
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { namespace, repository, digests }]) => ({
      namespace,
      repository,
      digests: [...digests].sort(),
    }));
}
