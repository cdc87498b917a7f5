/** The observer's process. The only place that reads the environment, the clock and the command line. */
import manifest from "../../package.json" with { type: "json" };
import { createKube, inCluster } from "@gatehouse/kube";
import { createLookUp, type ScanMetrics } from "@gatehouse/scans";
import { readStart } from "../judge/config.ts";
import { createLineWriter } from "../judge/line-writer.ts";
import { createLog } from "../judge/log.ts";
import { watchNodePlatforms } from "../judge/node-platforms.ts";
import { parseObserverArguments } from "./arguments.ts";
import type { ObserverMetrics } from "./metrics.ts";
import { runObserver } from "./run.ts";
import { stepBack } from "./step-back.ts";

/** Characters that may wait for standard output. */
const outputLimit = 16 * 1024 * 1024;
/** Longest that one question to the API server may take, in milliseconds; lists have their own. */
const kubeTimeoutMs = 10_000;

async function main(): Promise<void> {
  const args = parseObserverArguments(process.argv.slice(2), process.env);
  let scans: ScanMetrics = {};
  let kubeCalls: ObserverMetrics["kubeCalls"] | undefined;
  const start = await readStart(
    { config: args.config, policy: args.policy, authorities: args.authorities },
    ({ sources, combine, exploitFeed }) =>
      createLookUp({
        sources,
        combine,
        exploitFeed,
        resourceGraph: true,
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
  const errors = createLineWriter(2, { limit: outputLimit, written: () => {}, dropped: () => {} });
  const log = createLog((line) => void errors.write(line), Date.now);
  const output = createLineWriter(1, { limit: outputLimit, written: () => {}, dropped: () => {} });
  const directory = args.serviceAccount === undefined ? {} : { directory: args.serviceAccount };
  const kube = createKube(await inCluster({ env: process.env, ...directory }), {
    timeoutMs: kubeTimeoutMs,
    userAgent: "gatehouse-observer",
    onCall: ({ outcome }) => kubeCalls?.inc({ outcome }),
  });
  const nodes =
    config.platforms === "nodes"
      ? watchNodePlatforms(kube, (error) => log("warn", "the nodes cannot be read", { error }))
      : undefined;
  const observer = await runObserver({
    start,
    version: manifest.version,
    listen: args.listen,
    metricsListen: args.metricsListen,
    dnsNames: args.dnsNames,
    ipAddresses: args.ipAddresses,
    emergencyDirectory: args.emergency,
    instance: args.instance,
    lookUp: look.lookUp,
    kube,
    nodePlatforms: nodes === undefined ? undefined : () => nodes.current(),
    output,
    log,
    // As Node itself reads it for `fetch`, which registries are asked by.
    proxyEnv: process.env["NODE_USE_ENV_PROXY"] === "1" ? process.env : undefined,
    // Another may hold it by now: nothing that this process knows is to be trusted, so it begins anew.
    lost: () => stop("the lease was lost", 1),
  });
  ({ scans, kubeCalls } = observer.metrics);
  if (!stepBack()) log("info", "the priority of this process cannot be lowered");
  log("info", "the observer answers", {
    url: observer.url,
    metrics: observer.metricsUrl,
    mode: config.mode,
    policy: config.policyHash,
  });

  function stop(why: string, code: number): void {
    log("info", "stopping", { why });
    observer
      .stop()
      .then(() => Promise.all([look.close(), nodes?.stop()]))
      .then(() => errors.flush())
      .then(() => process.exit(code))
      .catch((error: unknown) => fail(error));
  }
  process.once("SIGTERM", () => stop("SIGTERM", 0));
  process.once("SIGINT", () => stop("SIGINT", 0));
  process.on("unhandledRejection", (error) => {
    observer.metrics.failures.inc();
    log("error", "a promise was rejected and nobody looked", { error });
  });
}

/** The last line on standard error becomes the Pod's termination message, and so reaches whoever rolls out. */
function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

await main().catch(fail);
