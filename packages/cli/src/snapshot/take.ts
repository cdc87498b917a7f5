/** Takes a snapshot from the observer, page by page, and checks every line before it is kept. */
import type { ServiceCaller } from "@gatehouse/kube";
import { InvalidInputError, problemsOf, snapshotLineSchema, type SnapshotLine } from "@gatehouse/policy";
import { jsonOf, questionMs } from "../observer/connect.ts";

/** The lines of a snapshot, its end included. @throws InvalidInputError when the observer says what is no snapshot */
export async function* takeSnapshot(
  ask: ServiceCaller,
  labels: readonly string[],
): AsyncGenerator<SnapshotLine, void> {
  const counts = { workload: 0, review: 0, scan: 0 };
  let after: string | undefined = "";
  while (after !== undefined) {
    const { text } = await ask("/v1/snapshot", { query: { after, label: labels }, timeoutMs: questionMs });
    const page = jsonOf(text) as { lines?: unknown; next?: unknown };
    for (const value of Array.isArray(page.lines) ? (page.lines as unknown[]) : []) {
      const parsed = snapshotLineSchema.safeParse(value);
      if (!parsed.success)
        throw new InvalidInputError("GH3026", "the observer's snapshot", problemsOf(parsed.error, value));
      const { line } = parsed.data;
      if (line in counts) counts[line as keyof typeof counts]++;
      yield parsed.data;
    }
    after = typeof page.next === "string" ? page.next : undefined;
  }
  yield { line: "end", workloads: counts.workload, reviews: counts.review, scans: counts.scan };
}
