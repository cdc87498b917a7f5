import { InvalidInputError, problemsOf, type Problem } from "./problems.ts";
import type { Policy } from "./model.ts";
import { scanKey } from "./replay.ts";
import type { ImageScan } from "./scan.ts";
import { parsePolicy } from "./schema.ts";
import {
  snapshotLineSchema,
  snapshotVersion,
  type Review,
  type SnapshotHead,
  type SnapshotLine,
  type SnapshotWorkload,
} from "./snapshot.ts";

/** A snapshot that was read whole. */
export interface Snapshot {
  head: SnapshotHead;
  /** What was in force. */
  policy: Policy;
  workloads: readonly SnapshotWorkload[];
  reviews: readonly Review[];
  /** By `scanKey`. */
  scans: ReadonlyMap<string, ImageScan>;
}

/** Problems after which no more are looked for. */
const mostProblems = 20;

/**
 * Reads a snapshot from its lines. One that is cut short, or of another version, is none.
 *
 * @param name what errors call it
 * @throws InvalidInputError with every problem, up to twenty
 */
export function readSnapshot(lines: Iterable<string>, name: string): Snapshot {
  const problems: Problem[] = [];
  const workloads: SnapshotWorkload[] = [];
  const reviews: Review[] = [];
  const scans = new Map<string, ImageScan>();
  let scanLines = 0;
  let head: SnapshotHead | undefined;
  let end: Extract<SnapshotLine, { line: "end" }> | undefined;
  let number = 0;
  for (const text of lines) {
    number++;
    if (problems.length >= mostProblems) break;
    const line = lineOf(text, number, problems);
    if (line === undefined) continue;
    if (number === 1 && line.line !== "gatehouse-snapshot")
      problems.push({ path: "line 1", problem: `expected the head of a snapshot, got ${line.line}` });
    if (end !== undefined)
      problems.push({ path: `line ${number}`, problem: "expected nothing after the end" });
    switch (line.line) {
      case "gatehouse-snapshot":
        head = line;
        break;
      case "workload":
        workloads.push(line);
        break;
      case "review":
        reviews.push(line.review);
        break;
      case "scan":
        scanLines++;
        scans.set(scanKey(line.reference, line.platforms), line.scan);
        break;
      case "end":
        end = line;
    }
  }
  const policy = parsePolicy(head?.policy);
  if (head !== undefined && !policy.ok)
    problems.push(
      ...policy.problems.map(({ path, problem }) => ({ path: `line 1.policy.${path}`, problem })),
    );
  if (problems.length === 0) problems.push(...missing(end, { workloads, reviews, scanLines }));
  if (problems.length > 0 || head === undefined || !policy.ok)
    throw new InvalidInputError("GH3007", name, problems);
  return { head, policy: policy.policy, workloads, reviews, scans };
}

function lineOf(text: string, number: number, problems: Problem[]): SnapshotLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    problems.push({ path: `line ${number}`, problem: "expected JSON" });
    return undefined;
  }
  const version = (value as { version?: unknown } | null)?.version;
  if (number === 1 && version !== snapshotVersion) {
    problems.push({
      path: "line 1",
      problem: `expected a Gatehouse snapshot of version ${snapshotVersion}, got ${JSON.stringify(version) ?? "none"}; record it again with this gatehouse`,
    });
    return undefined;
  }
  const parsed = snapshotLineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { path, problem } of problemsOf(parsed.error, value))
    problems.push({ path: `line ${number}${path === "" ? "" : `.${path}`}`, problem });
  return undefined;
}

function missing(
  end: Extract<SnapshotLine, { line: "end" }> | undefined,
  found: { workloads: readonly unknown[]; reviews: readonly unknown[]; scanLines: number },
): Problem[] {
  if (end === undefined)
    return [{ path: "", problem: "expected an end, got none: it was cut short; record it again" }];
  const counts = [
    ["workloads", end.workloads, found.workloads.length],
    ["reviews", end.reviews, found.reviews.length],
    ["scans", end.scans, found.scanLines],
  ] as const;
  return counts
    .filter(([, said, there]) => said !== there)
    .map(([what, said, there]) => ({ path: "end", problem: `expected ${said} ${what}, got ${there}` }));
}
