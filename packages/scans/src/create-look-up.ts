import { readFile as readFileOfNode } from "node:fs/promises";
import type { ExploitFeedConfig, Platform, SourceConfig } from "@gatehouse/policy";
import {
  cloudCredential,
  loadArtifactRegistry,
  loadEcr,
  loadResourceGraph,
  type CloudDeps,
  type CloudSource,
} from "./cloud/load-cloud.ts";
import { addGraphFindings } from "./defender/add-graph-findings.ts";
import { defenderReports } from "./defender/artifact.ts";
import { batchedGraph } from "./defender/batched-graph.ts";
import type { ReadResourceGraph } from "./defender/resource-graph.ts";
import { createExploitFeed } from "./feed/exploit-feed.ts";
import { fedSource } from "./feed/fed-source.ts";
import { createCachedResolver } from "./cache/cached-resolver.ts";
import { createReportCache } from "./cache/cached-source.ts";
import { refreshTerms } from "./cache/refresh-terms.ts";
import { credentialFrom } from "./credentials/from-config.ts";
import type { ReadFile } from "./credentials/login.ts";
import { fileSource } from "./file/file-source.ts";
import { createSourceLookUp, type LookUp, type TermedSource } from "./look-up.ts";
import type { ScanMetrics } from "./metrics.ts";
import { keepWarm } from "./refresh/keep-warm.ts";
import { referrerSource } from "./referrer/referrer-source.ts";
import { loadTrust, type TrustedIdentities } from "./referrer/trust/load-trust.ts";
import type { PaceOptions } from "./registry/pace.ts";
import { createRegistries, type Connection } from "./registry/registries.ts";
import { createRegistryFetch, type RegistryFetch } from "./registry/transport.ts";
import type { ScanSource } from "./source.ts";

/** A gate's configuration of its sources, and what a test or a command replaces of the world outside. */
export interface LookUpOptions {
  /** In order of preference. */
  sources: readonly SourceConfig[];
  /** Which report counts when several sources cover an image; see `SourceLookUpOptions`. @default "first" */
  combine?: "first" | "worst" | undefined;
  /** Milliseconds since 1970. @default Date.now */
  now?: () => number;
  /** Milliseconds of a clock that never goes back, for how old what is held is. @default performance.now */
  clock?: (() => number) | undefined;
  /** How registries are reached. @default node:https with the gate's rules on addresses */
  fetch?: RegistryFetch | undefined;
  /** Reads mounted files: keys, certificates, passwords. @default node:fs */
  readFile?: ReadFile | undefined;
  /** Told of cache, sources, resolutions and the feed. @default nobody */
  metrics?: ScanMetrics | undefined;
  /** An estimate of the heap that cached reports may take. @default 96 MiB */
  cacheBytes?: number | undefined;
  /** Longest that one look-up goes on by itself. @default 60000 */
  budgetMs?: number | undefined;
  /** How much each registry host is asked for. */
  pace?: PaceOptions | undefined;
  /** EPSS and KEV for findings whose source lacks them. Absent: they stay unknown. */
  exploitFeed?: ExploitFeedConfig | undefined;
  /**
   * Adds what Azure Resource Graph lists, for sources that have `resourceGraph`. For the observer alone: it takes
   * seconds, and a look-up may wait for it. @default false
   */
  resourceGraph?: boolean | undefined;
}

/** Look-ups over configured sources, and the end of what they hold open. */
export interface LookUpService {
  lookUp: LookUp;
  /**
   * Keeps the scans of running images in the cache until the signal fires: each is looked up again once in a round,
   * evenly, before what is held of it has to be waited for. See `keepWarm`.
   */
  keepWarm(
    options: {
      /** References by digest, asked for at the start of each round. */
      images: () => readonly string[];
      platforms: () => readonly Platform[];
      everyMs?: number;
      perSecond?: number;
    },
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}

type Loaded = {
  config: SourceConfig;
  connection?: Connection;
  trusted?: TrustedIdentities;
  /** For a source that asks a cloud's interface. */
  asks?: ScanSource;
  graph?: ReadResourceGraph;
};

/**
 * Builds sources, registry clients and cache from a gate's configuration.
 * @throws Error with one line for everything in it that cannot be used.
 */
export async function createLookUp(options: LookUpOptions): Promise<LookUpService> {
  const { sources: configs, metrics, budgetMs } = options;
  const now = options.now ?? Date.now;
  const clock = options.clock ?? (() => performance.now());
  const readFile = options.readFile ?? (async (path: string) => await readFileOfNode(path, "utf8"));
  const fetch = options.fetch ?? createRegistryFetch();
  const loaded = await loadAll(configs, { fetch, readFile, now });
  const { exploitFeed } = options;
  const feed =
    exploitFeed === undefined
      ? undefined
      : createExploitFeed({
          file: exploitFeed.file,
          maxAge: exploitFeed.maxAge ?? "7d",
          readFile,
          now,
          observe: (state) => metrics?.feed?.(state),
        });
  const fed = (source: ScanSource): ScanSource => (feed === undefined ? source : fedSource(source, feed));
  const registries = createRegistries({
    connections: loaded.flatMap(({ connection }) => connection ?? []),
    fetch,
    now,
    clock,
    pace: options.pace,
  });
  const cached = createReportCache({
    maxBytes: options.cacheBytes,
    clock,
    budgetMs,
    metrics,
    terms: refreshTerms(configs),
  });
  const sources = loaded.map(({ config, trusted, asks }): TermedSource => {
    const terms = { maxScanAge: config.maxScanAge };
    if (config.type === "file") {
      const { name, directory, registries: hosts } = config;
      // A folder is in memory already.
      return { source: fed(fileSource({ name, directory, registries: hosts })), ...terms };
    }
    if (asks !== undefined) return { source: fed(cached(asks)), ...terms };
    const source = referrerSource({
      name: config.name,
      registries: config.registries,
      clients: registries,
      trusted: trusted ?? { notation: [], sigstore: [] },
      allowUnsigned: config.type === "referrer" && config.allowUnsigned === true,
      now,
      judge: config.type === "defender" ? defenderReports : undefined,
    });
    return { source: fed(cached(source)), ...terms };
  });
  const resolver = createCachedResolver({ registries, clock, budgetMs, metrics });
  const bySources = createSourceLookUp({ sources, combine: options.combine, resolver, now, clock, budgetMs });
  const graphs = loaded.flatMap(({ config: { name }, graph: read }, index) => {
    const source = sources[index]?.source;
    if (options.resourceGraph !== true || read === undefined || source === undefined) return [];
    return [fed(batchedGraph({ name, covers: (image) => source.covers(image), read, clock }))];
  });
  const lookUp = graphs.length === 0 ? bySources : addGraphFindings(bySources, graphs);
  return {
    lookUp,
    async keepWarm({ platforms, ...terms }, signal) {
      const refresh = async (image: string, until: AbortSignal): Promise<void> => {
        await lookUp(image, { platforms: platforms(), signal: until });
      };
      await keepWarm({ ...terms, refresh, now: clock }, signal);
    },
    async close() {
      for (const { source } of sources) await source.close?.();
    },
  };
}

async function loadAll(configs: readonly SourceConfig[], deps: CloudDeps): Promise<Loaded[]> {
  const problems: string[] = [];
  const loaded: Loaded[] = [];
  const names = configs.map(({ name }) => name);
  for (const [index, config] of configs.entries())
    try {
      if (names.indexOf(config.name) !== index) throw new Error("another source has the same name");
      loaded.push(await loadOne(config, deps));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      problems.push(...text.split("\n").map((line) => `sources[${index}] (${config.name}): ${line}`));
    }
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return loaded;
}

async function loadOne(config: SourceConfig, deps: CloudDeps): Promise<Loaded> {
  if (config.type === "file") return { config };
  const { readFile } = deps;
  if (config.type === "referrer" && config.trust === undefined && config.allowUnsigned !== true)
    throw new Error("no report could ever count: name an identity in trust, or set allowUnsigned");
  const problems: string[] = [];
  const attempt = async <T>(what: string, run: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await run();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      problems.push(...text.split("\n").map((line) => `${what}${line}`));
      return undefined;
    }
  };
  const { caFile } = config;
  const ca = caFile === undefined ? undefined : await attempt("caFile: ", async () => await readFile(caFile));
  const trust = config.type === "referrer" || config.type === "defender" ? config.trust : undefined;
  const trusted = await attempt("", async () => await loadTrust(trust ?? [], readFile));
  const cloud = await attempt("", (): Partial<CloudSource> => {
    if (config.type === "ecr") return loadEcr(config, ca, deps);
    if (config.type === "artifact-registry") return loadArtifactRegistry(config, ca, deps);
    return { credential: cloudCredential(config, ca, deps) ?? credentialFrom(config.credentials, readFile) };
  });
  if (
    config.plainHttp === true &&
    config.credentials !== undefined &&
    config.credentials.kind !== "anonymous"
  )
    problems.push("plainHttp: credentials are never sent over plain HTTP; leave one of the two out");
  const credential = cloud?.credential;
  if (problems.length > 0 || credential === undefined || trusted === undefined)
    throw new Error(problems.join("\n"));
  const { registries, plainHttp, endpoint, tokenRealms } = config;
  const graph = config.type === "defender" ? loadResourceGraph(config, ca, deps) : undefined;
  return {
    config,
    trusted,
    connection: { registries, credential, plainHttp, endpoint, ca, tokenRealms },
    ...(cloud?.source === undefined ? {} : { asks: cloud.source }),
    ...(graph === undefined ? {} : { graph }),
  };
}
