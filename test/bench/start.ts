/** The bundle's size, how long a judge takes to start, and the memory that cached reports take. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { median, rounded } from "./figures.ts";
import type { Figure } from "./figures.ts";
import { openBench, secret } from "./judge.ts";
import { keepAlive, load } from "./load.ts";
import { reviewOf, samplePolicy, writeReports } from "./samples.ts";

const starts = 9;
const images = 10_000;

export async function* bench(): AsyncIterable<Figure> {
  const world = await openBench();
  try {
    yield { figure: "bundle_bytes", value: world.bundleBytes, unit: "bytes", aim: "716800 or less" };
    yield* starting(world);
    yield* resident(world);
  } finally {
    world.close();
  }
}

type World = Awaited<ReturnType<typeof openBench>>;

async function* starting(world: World): AsyncIterable<Figure> {
  const times = { judge: [] as number[], baseline: [] as number[] };
  const policy = samplePolicy(50, 50);
  const reports = join(world.folder, "few");
  writeReports(reports, 5, 200);
  for (let round = 0; round <= starts; round += 1) {
    const judge = await world.judge({ policy, sources: [{ type: "file", name: "few", directory: reports }] });
    await judge.stop();
    const baseline = await world.baseline(100);
    await baseline.stop();
    if (round === 0) continue;
    times.judge.push(judge.startedMs);
    times.baseline.push(baseline.startedMs);
  }
  yield {
    figure: "ready_multiple",
    value: rounded(median(times.judge) / median(times.baseline)),
    unit: "times the start of a bare https server",
    aim: "4 or less",
    baseline: `${rounded(median(times.baseline))} ms`,
  };
}

/** Every image is asked for once, so that its report is cached; then the process is looked at. */
async function* resident(world: World): AsyncIterable<Figure> {
  const reports = join(world.folder, "many");
  writeReports(reports, images, 200);
  const judge = await world.judge({
    policy: samplePolicy(50, 50),
    sources: [{ type: "file", name: "many", directory: reports }],
    nodeArgs: ["--max-semi-space-size=4", "--max-old-space-size=192"],
  });
  const agent = keepAlive(1, world.ca);
  try {
    for (let image = 0; image < images; image += 100) {
      const batch = Array.from({ length: 100 }, (_, index) => image + index);
      const url = `${judge.url}/validate/${secret}?timeout=30s`;
      // The folder is read in the background at first: an answer that came too early is asked for again.
      let last = "";
      for (let attempt = 0; attempt < 20 && !last.includes('"allowed":true'); attempt += 1)
        ({ last } = await load(agent, url, reviewOf(batch), { count: 1, connections: 1 }));
      if (!last.includes('"allowed":true'))
        throw new Error(`the judge should admit the sample, got ${last.slice(0, 500)}`);
    }
    const pages = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${judge.pid}/status`, "utf8"))?.[1];
    yield {
      figure: "resident_cached_mib",
      value: rounded(Number(pages) / 1024),
      unit: "MiB with 10,000 reports of 200 findings out of 20,000 cached",
      aim: "256 or less",
    };
  } finally {
    agent.destroy();
    await judge.stop();
  }
}
