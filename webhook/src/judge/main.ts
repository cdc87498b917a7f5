/** The judge's process. The only place that reads the environment, the clock and the command line. */
import manifest from "../../package.json" with { type: "json" };
import { createKube, inCluster, type Kube } from "@gatehouse/kube";
import { createLookUp, type ScanMetrics } from "@gatehouse/scans";
import { parseArguments } from "./arguments.ts";
import { readStart } from "./config.ts";
import type { ReadMetadata } from "./directory.ts";
import { createLineWriter } from "./line-writer.ts";
import { createLog } from "./log.ts";
import { createMetrics, type JudgeMetrics } from "./metrics.ts";
import { watchNodePlatforms } from "./node-platforms.ts";
import { createObserverPost } from "./observer-post.ts";
import { createObserverSink } from "./observer-sink.ts";
import { createRecentImages } from "./recent-images.ts";
import { runJudge } from "./run.ts";

/** Of the package, for `gatehouse_info`. */
const { version } = manifest;
/** Characters of events that may wait for standard output. */
const outputLimit = 16 * 1024 * 1024;
/** Longest that one question to the API server may take, in milliseconds. */
const kubeTimeoutMs = 2_000;

async function main(): Promise<void> {
  const args = parseArguments(process.argv.slice(2), process.env);
  // The look-ups are built before the metrics that they feed, whose labels come from the same configuration.
  let scans: ScanMetrics = {};
  const start = await readStart(
    { config: args.config, policy: args.policy, authorities: args.authorities, secrets: args.secrets },
    ({ sources, combine, exploitFeed }) =>
      createLookUp({
        sources,
        combine,
        exploitFeed,
        now: () => args.clock ?? Date.now(),
        metrics: {
          cache: (event) => scans.cache?.(event),
          cacheSize: (size) => scans.cacheSize?.(size),
          asked: (answer) => scans.asked?.(answer),
          unresolved: (failure) => scans.unresolved?.(failure),
          feed: (state) => scans.feed?.(state),
        },
      }),
  );
  const { config, prepared: look } = start;
  const metrics = createMetrics({ policyHash: config.policyHash, mode: config.mode, version });
  ({ scans } = metrics);
  const errors = createLineWriter(2, { limit: outputLimit, written: () => {}, dropped: () => {} });
  const log = createLog((line) => void errors.write(line), Date.now);
  const output = createLineWriter(1, {
    limit: outputLimit,
    written: (lines) => metrics.eventsSent.inc({ sink: "output" }, lines),
    dropped: (lines) => metrics.eventsDropped.inc({ sink: "output" }, lines),
  });
  const observer =
    args.observer === undefined
      ? undefined
      : createObserverSink({
          post: createObserverPost(args.observer),
          sent(events, reviews) {
            metrics.eventsSent.inc({ sink: "observer" }, events);
            metrics.eventsSent.inc({ sink: "reviews" }, reviews);
          },
          dropped(events, reviews) {
            metrics.eventsDropped.inc({ sink: "observer" }, events);
            metrics.eventsDropped.inc({ sink: "reviews" }, reviews);
          },
          log,
        });
  const kube = args.kubernetes ? await connect(metrics) : undefined;
  const nodes =
    kube === undefined || config.platforms !== "nodes"
      ? undefined
      : watchNodePlatforms(kube, (error) => log("warn", "the nodes cannot be read", { error }));
  const { service, namespace } = config.gate;
  const { platforms } = config;
  const recent = createRecentImages({ lookUp: look.lookUp, now: () => performance.now() });
  const stopping = new AbortController();
  const judge = await runJudge({
    start,
    listen: args.listen,
    metricsListen: args.metricsListen,
    dnsNames: [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`, ...args.dnsNames],
    ipAddresses: args.ipAddresses,
    emergencyDirectory: args.emergency,
    instance: args.instance,
    lookUp: recent.lookUp,
    readMetadata: kube === undefined ? notConnected : metadataReader(kube),
    nodePlatforms: nodes === undefined ? undefined : () => nodes.current(),
    metrics,
    output,
    observer,
    log,
    decideAt: () => args.clock ?? Date.now(),
  });
  log("info", "the judge answers", {
    url: judge.url,
    metrics: judge.metricsUrl,
    mode: config.mode,
    policy: config.policyHash,
  });
  // Each replica keeps what it was asked about itself. It ends with the signal, and rejects never.
  void look.keepWarm(
    {
      images: () => recent.images(),
      platforms: () => (platforms === "nodes" ? (nodes?.current() ?? []) : platforms),
    },
    stopping.signal,
  );

  const stop = (signal: string) => {
    log("info", "stopping", { signal });
    stopping.abort();
    judge
      .stop(args.unreadyMs === undefined ? {} : { unreadyMs: args.unreadyMs })
      .then(() => Promise.all([look.close(), nodes?.stop()]))
      .then(() => errors.flush())
      .then(() => process.exit(0))
      .catch((error: unknown) => fail(error));
  };
  process.once("SIGTERM", () => stop("SIGTERM"));
  process.once("SIGINT", () => stop("SIGINT"));
  process.on("unhandledRejection", (error) => {
    metrics.failures.inc();
    log("error", "a promise was rejected and nobody looked", { error });
  });
}

/** A client of the cluster that the Pod runs in. */
async function connect(metrics: JudgeMetrics): Promise<Kube> {
  return createKube(await inCluster({ env: process.env }), {
    timeoutMs: kubeTimeoutMs,
    userAgent: "gatehouse-judge",
    onCall: ({ outcome }) => metrics.kubeCalls.inc({ outcome }),
  });
}

function metadataReader(kube: Kube): ReadMetadata {
  return async (resource, ref) => (await kube.find(resource, ref, { metadataOnly: true }))?.metadata;
}

/** Outside a cluster nothing is known of namespaces and owners. */
const notConnected: ReadMetadata = () => Promise.reject(new Error("not connected to a cluster"));

/** The last line on standard error becomes the Pod's termination message, and so reaches whoever rolls out. */
function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

await main().catch(fail);
