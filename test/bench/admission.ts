/** A warm judge against a bare server: a Deployment with five containers of 200 findings each, 50 rules, 50 exemptions. */
import { join } from "node:path";
import { median, quantile, rounded } from "./figures.ts";
import type { Figure } from "./figures.ts";
import { openBench, secret } from "./judge.ts";
import { keepAlive, load } from "./load.ts";
import { reviewOf, samplePolicy, writeReports } from "./samples.ts";

const connections = 16;
const rounds = 12;
const count = 2_000;

/**
 * Reviews that differ in their uid, as those of an API server do: of one that comes again with the same uid the judge
 * tells nothing, and so does less.
 */
function withOwnUids(review: string): () => string {
  const { request } = JSON.parse(review) as { request: { uid: string } };
  const [before = "", after = ""] = review.split(request.uid);
  let made = 0;
  return () => `${before}${String((made += 1)).padStart(request.uid.length, "0")}${after}`;
}

export async function* bench(): AsyncIterable<Figure> {
  const world = await openBench();
  try {
    const reports = join(world.folder, "reports");
    writeReports(reports, 5, 200);
    const judge = await world.judge({
      policy: samplePolicy(50, 50),
      sources: [{ type: "file", name: "reports", directory: reports, registries: ["registry.example.com"] }],
    });
    const agent = keepAlive(connections, world.ca);
    const body = withOwnUids(reviewOf([0, 1, 2, 3, 4]));
    const judgeUrl = `${judge.url}/validate/${secret}?timeout=10s`;
    const { last } = await load(agent, judgeUrl, body, { count: 200, connections });
    if (!last.includes('"allowed":true')) throw new Error(`the judge should admit the sample, got ${last}`);
    const baseline = await world.baseline(Buffer.byteLength(last));
    try {
      const targets = { baseline: baseline.url, judge: judgeUrl };
      const rates: Record<keyof typeof targets, number[]> = { baseline: [], judge: [] };
      const tails: Record<keyof typeof targets, number[]> = { baseline: [], judge: [] };
      for (let round = -2; round < rounds; round += 1)
        for (const name of ["baseline", "judge"] as const) {
          const { rate, latencies } = await load(agent, targets[name], body, { count, connections });
          // The first rounds are for the compilers.
          if (round < 0) continue;
          rates[name].push(rate);
          tails[name].push(quantile(latencies, 0.99));
        }
      yield {
        figure: "throughput_share",
        value: rounded(median(rates.judge) / median(rates.baseline)),
        unit: "of the baseline's requests per second",
        aim: "0.6 or more",
        baseline: `${rounded(median(rates.baseline))} requests/s`,
      };
      yield {
        figure: "p99_multiple",
        value: rounded(median(tails.judge) / median(tails.baseline)),
        unit: "times the baseline's p99",
        aim: "2 or less",
        baseline: `${rounded(median(tails.baseline))} ms`,
      };
    } finally {
      await baseline.stop();
      await judge.stop();
      agent.destroy();
    }
  } finally {
    world.close();
  }
}
