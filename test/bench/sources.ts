/**
 * 5,000 running images of each registry, kept warm within the rate that its cloud allows: how often the cloud is asked,
 * how long that takes against the least that the rate allows, and what an admission meets meanwhile. The clouds are in
 * memory, strict about signatures and tokens. The rate is raised, or one round would take ten minutes; it is the same
 * bucket that is measured.
 */
import type { SourceConfig } from "@gatehouse/policy";
import { createLookUp, type LookUpService } from "@gatehouse/scans";
import { clouds, fakeNetwork, type FakeRegistry } from "@gatehouse/scans/testing";
import { rounded, type Figure } from "./figures.ts";

const { audiences, createWorld, credentialsFor } = clouds;
const images = 5_000;
const perSecond = 150;
/** A source's bucket holds two seconds' worth. */
const burst = 2 * perSecond;
/** New images that are asked for in the storm, and how long an admission waits for them. */
const stormImages = 200;
const deadlineMs = 1_000;
/** Longer than a report is fresh: each answer is from the cache, and is looked up again behind it. */
const laterMs = 10 * 60_000;

const platforms = ["linux/amd64"];

interface Cloud {
  config: SourceConfig;
  /** References by digest. */
  running: string[];
  unknown: string[];
  hosts: Parameters<typeof fakeNetwork>[0];
  /** Questions about images so far; and of them those of the interface that is asked most, which its rate is for. */
  calls: () => number;
  busiest?: () => number;
  /** What `calls_per_image` should be. */
  aim: string;
  storm: () => void;
}
type World = ReturnType<typeof createWorld>;

function ecr(world: World): Cloud {
  const fake = clouds.fakeAws({ ...world, trusted: world.trusts(audiences.aws) });
  const host = clouds.awsRegistry;
  const push = (index: number): string => {
    const { digest } = fake.registry.pushImage("team/app", { content: `layer ${index}` });
    fake.scans.set(`team/app@${digest}`, {
      status: "COMPLETE",
      completedAt: world.now() / 1000,
      findings: [],
    });
    return `${host}/team/app@${digest}`;
  };
  return {
    ...pushed(push),
    config: {
      type: "ecr",
      name: "ecr",
      registries: [host],
      credentials: credentialsFor("aws"),
      requestsPerSecond: perSecond,
    },
    hosts: fake.hosts,
    calls: () => count(fake.asked, "DescribeImageScanFindings"),
    aim: "1",
    storm: () => (fake.misbehave = tooMany),
  };
}

/** Enhanced scanning: ECR's own word on each image, and Inspector's, which it gives on ten images at once. */
function inspector(world: World): Cloud {
  const fake = clouds.fakeAws({ ...world, trusted: world.trusts(audiences.aws) });
  const push = (index: number): string => {
    const { digest } = fake.registry.pushImage("team/app", { content: `layer ${index}` });
    const lastScannedAt = world.now() / 1000;
    fake.scans.set(`team/app@${digest}`, {
      status: "ACTIVE",
      enhancedFindings: [],
      inspectorFindings: [],
      coverage: { scanStatus: { statusCode: "ACTIVE", reason: "SUCCESSFUL" }, lastScannedAt },
    });
    return `${clouds.awsRegistry}/team/app@${digest}`;
  };
  const asked = (what: string): number => count(fake.asked, what);
  const inspectors = (): number => asked("ListFindings") + asked("ListCoverage");
  return {
    ...pushed(push),
    config: {
      type: "ecr",
      name: "inspector",
      registries: [clouds.awsRegistry],
      credentials: credentialsFor("aws"),
      inspector: true,
      requestsPerSecond: perSecond,
    },
    hosts: fake.hosts,
    calls: () => asked("DescribeImageScanFindings") + inspectors(),
    busiest: () => Math.max(asked("DescribeImageScanFindings"), inspectors()),
    aim: "2 or less: one of ECR, and two of Inspector that images share",
    storm: () => (fake.misbehave = tooMany),
  };
}

function artifactRegistry(world: World): Cloud {
  const fake = clouds.fakeGoogle({ ...world, trusted: world.trusts(audiences.google) });
  const host = clouds.googleRegistry;
  const repository = `${clouds.googleProject}/images/app`;
  const lastScanTime = new Date(world.now()).toISOString();
  const push = (index: number): string => {
    const { digest } = fake.registry.pushImage(repository, { content: `layer ${index}` });
    const discovery = { analysisStatus: "FINISHED_SUCCESS", continuousAnalysis: "ACTIVE", lastScanTime };
    fake.occurrences.set(`https://${host}/${repository}@${digest}`, [{ kind: "DISCOVERY", discovery }]);
    return `${host}/${repository}@${digest}`;
  };
  return {
    ...pushed(push),
    config: {
      type: "artifact-registry",
      name: "gar",
      registries: [host],
      projects: [clouds.googleProject],
      credentials: credentialsFor("google"),
      requestsPerSecond: perSecond,
    },
    hosts: fake.hosts,
    calls: () => count(fake.asked, "@sha256:"),
    aim: "2: findings and discovery",
    storm: () => (fake.misbehave = tooMany),
  };
}

export async function* bench(): AsyncIterable<Figure> {
  for (const cloudOf of [ecr, inspector, artifactRegistry]) yield* figuresOf(cloudOf);
}

async function* figuresOf(cloudOf: (world: World) => Cloud): AsyncIterable<Figure> {
  const world = createWorld(new Date().toISOString());
  const cloud = cloudOf(world);
  const { name } = cloud.config;
  let shift = 0;
  const service = await createLookUp({
    sources: [cloud.config],
    fetch: fakeNetwork(cloud.hosts).fetch,
    readFile: world.readFile,
    now: () => Date.now() + shift,
    // Of the registry itself, which has a limit of its own; the cloud's is measured.
    pace: { perSecond: 1_000_000, burst: 1_000_000 },
  });
  try {
    const seconds = await oneRound(service, cloud.running);
    const calls = cloud.calls();
    const busiest = cloud.busiest?.() ?? calls;
    const least = Math.max(0, busiest - burst) / perSecond;
    yield {
      figure: `${name}_calls_per_image`,
      value: rounded(calls / images),
      unit: "calls",
      aim: cloud.aim,
    };
    yield {
      figure: `${name}_time_multiple`,
      value: rounded(seconds / least),
      unit: `times the least that ${perSecond} calls a second allow (raised for the bench)`,
      aim: "1.1 or less",
      baseline: `${rounded(least)} s for ${busiest} calls`,
    };

    const before = cloud.calls();
    await admit(service, cloud.running, "complete");
    yield {
      figure: `${name}_calls_per_warm_admission`,
      value: rounded((cloud.calls() - before) / images),
      unit: "calls",
      aim: "0",
    };
    cloud.storm();
    const fresh = await admit(service, cloud.unknown, "unavailable");
    yield stormFigure(`${name}_storm_multiple`, "new", fresh);
    // Every report may be looked up again now and no cloud answers: what admissions get is what is held.
    shift += laterMs;
    world.advance(laterMs);
    const warm = await admit(service, cloud.running.slice(0, stormImages), "complete");
    yield stormFigure(`${name}_storm_warm_multiple`, "warm", warm);
  } finally {
    await service.close();
  }
}

/** Keeps the images warm for one round, as fast as the source's rate lets it; in seconds. */
async function oneRound(service: LookUpService, running: readonly string[]): Promise<number> {
  const controller = new AbortController();
  let started: number | undefined;
  let ended = Number.NaN;
  await service.keepWarm(
    {
      everyMs: 1,
      perSecond: 1_000_000,
      platforms: () => platforms,
      images() {
        if (started === undefined) {
          started = performance.now();
          return running;
        }
        ended = performance.now();
        controller.abort();
        return [];
      },
    },
    controller.signal,
  );
  return (ended - (started ?? Number.NaN)) / 1000;
}

/** The slowest of some look-ups, and of bare timers beside them, whose lateness is the machine's; milliseconds. */
interface Slowest {
  admission: number;
  timer: number;
}

function stormFigure(figure: string, what: string, { admission, timer }: Slowest): Figure {
  return {
    figure,
    value: rounded(admission / timer),
    unit: `times a bare timer of its deadline that the slowest admission of a ${what} image took, with 429 from the cloud`,
    aim: "1.05 or less",
    baseline: `${rounded(timer)} ms for a deadline of ${deadlineMs} ms`,
  };
}

/** Looks images up as admissions do, fifty at a time. @throws Error for another state */
async function admit(service: LookUpService, references: readonly string[], state: string): Promise<Slowest> {
  const slowest = { admission: 0, timer: 0 };
  const one = async (reference: string): Promise<void> => {
    const start = performance.now();
    const scan = await service.lookUp(reference, { platforms, signal: AbortSignal.timeout(deadlineMs) });
    slowest.admission = Math.max(slowest.admission, performance.now() - start);
    const { report } = scan.platforms[0] ?? {};
    if (report?.state !== state)
      throw new Error(`${reference}: expected ${state}, got ${report?.state}: ${report?.reason}`);
  };
  const bare = async (): Promise<void> => {
    const start = performance.now();
    await new Promise((resolve) => {
      AbortSignal.timeout(deadlineMs).addEventListener("abort", resolve, { once: true });
    });
    slowest.timer = Math.max(slowest.timer, performance.now() - start);
  };
  for (let at = 0; at < references.length; at += 50) {
    const some = references.slice(at, at + 50);
    // One timer a batch in a storm; warm images by the thousand wait for none.
    await Promise.all([...some.map(one), ...(references.length > stormImages ? [] : [bare()])]);
  }
  return slowest;
}

function pushed(push: (index: number) => string): Pick<Cloud, "running" | "unknown"> {
  return {
    running: Array.from({ length: images }, (_, index) => push(index)),
    unknown: Array.from({ length: stormImages }, (_, index) => push(images + index)),
  };
}

function count(asked: readonly string[], what: string): number {
  return asked.filter((one) => one.includes(what)).length;
}

const tooMany: NonNullable<FakeRegistry["misbehave"]> = () =>
  Promise.resolve(new Response(null, { status: 429, headers: { "retry-after": "2" } }));
