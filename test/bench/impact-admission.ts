/** What admissions notice of an impact: the judge's p99 while an observer beside it judges one after the other. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { quantile, rounded, type Figure } from "./figures.ts";
import { openBench, secret } from "./judge.ts";
import { keepAlive, load } from "./load.ts";
import { reviewOf, samplePolicy, writeReports } from "./samples.ts";

/** Many short rounds: what else the machine does then meets both alike, and the p99 is that of thousands. */
const rounds = 30;
/** Requests of one round, and the pause before each: a cluster's admissions come one by one. */
const count = 120;
const pauseMs = 10;

/** Measures in alternation, with and without. */
export async function admissionMeanwhile(): Promise<Figure> {
  const world = await openBench();
  const observer = fork(join(import.meta.dirname, "impact-child.ts"));
  try {
    const reports = join(world.folder, "reports");
    writeReports(reports, 5, 200);
    const judge = await world.judge({
      policy: samplePolicy(50, 50),
      sources: [{ type: "file", name: "reports", directory: reports, registries: ["registry.example.com"] }],
    });
    const agent = keepAlive(1, world.ca);
    try {
      await once(observer, "message");
      const body = reviewOf([0, 1, 2, 3, 4]);
      const url = `${judge.url}/validate/${secret}?timeout=10s`;
      await load(agent, url, body, { count: 500, connections: 1 });
      const tails: Record<"without" | "with", number[]> = { without: [], with: [] };
      for (let round = 0; round < rounds; round += 1)
        for (const name of ["without", "with"] as const) {
          const resting = name === "without" ? once(observer, "message") : undefined;
          observer.send(name === "with" ? "on" : "off");
          await resting;
          for (let index = 0; index < count; index += 1) {
            await sleep(pauseMs);
            const { latencies } = await load(agent, url, body, { count: 1, connections: 1 });
            tails[name].push(...latencies);
          }
        }
      const without = quantile(tails.without, 0.99);
      return {
        figure: "admission_p99_multiple",
        value: rounded(quantile(tails.with, 0.99) / without),
        unit: "times the p99 without an impact",
        aim: "1.5 or less",
        baseline: `${rounded(without)} ms`,
      };
    } finally {
      await judge.stop();
      agent.destroy();
    }
  } finally {
    observer.kill("SIGKILL");
    world.close();
  }
}
