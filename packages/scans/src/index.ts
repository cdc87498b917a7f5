/**
 * Where scan reports come from: registries, folders, clouds.
 * @module
 */
export * from "./source.ts";
export * from "./awaitable.ts";
export * from "./look-up.ts";
export * from "./create-look-up.ts";
export * from "./metrics.ts";
export { fileSource, type FileSource, type FileSourceOptions } from "./file/file-source.ts";
export { parseReport } from "./parse/report.ts";
export type {
  NotAReport,
  ParseContext,
  ParsedReport,
  ParseResult,
  ReportedImage,
  ReportFormat,
} from "./parse/parsed.ts";
export { ecrSource, type EcrSourceOptions } from "./ecr/ecr-source.ts";
export {
  artifactRegistrySource,
  type ArtifactRegistrySourceOptions,
} from "./artifact-registry/artifact-registry-source.ts";
export type { ReadResourceGraph } from "./defender/resource-graph.ts";
export {
  cloudCredential,
  loadArtifactRegistry,
  loadEcr,
  loadResourceGraph,
  type CloudDeps,
  type CloudSource,
} from "./cloud/load-cloud.ts";
export { createRegistryFetch, type RegistryFetch } from "./registry/transport.ts";
export { IdentityError, type IdentityProblem } from "./web-identity/identity-error.ts";
export { convertFeed } from "./feed/convert.ts";
export { createExploitFeed, type FeedPart, type FeedState } from "./feed/exploit-feed.ts";
export { feedSchema, type ExploitFeed } from "./feed/format.ts";
export { keepWarm, type KeepWarmOptions } from "./refresh/keep-warm.ts";
