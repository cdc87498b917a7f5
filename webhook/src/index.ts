/**
 * The gate: the judge as parts that tests, the command line and benchmarks can put together.
 * @module
 */
export { judgeApp, type JudgeAppOptions } from "./judge/app.ts";
export { createJudge, type Judge, type JudgeOptions } from "./judge/judge.ts";
export {
  parseReview,
  reviewResponse,
  type AdmissionAnswer,
  type AdmissionRequest,
} from "./judge/admission-review.ts";
export { createDirectory, type Directory, type ReadMetadata } from "./judge/directory.ts";
export { budgetMs, openDeadline, type Deadline } from "./judge/deadline.ts";
export { createEventPipeline, type EventPipeline, type EventSink } from "./judge/events.ts";
export { createLineWriter, type LineWriter } from "./judge/line-writer.ts";
export { createLog, type Log } from "./judge/log.ts";
export { createMetrics, type JudgeMetrics } from "./judge/metrics.ts";
export { createSecretCheck, shortestSecret } from "./judge/secrets.ts";
export { readStart, type JudgePaths, type JudgeStart } from "./judge/config.ts";
export { runJudge, type RunningJudge, type RunOptions } from "./judge/run.ts";
export {
  createAuthority,
  issueServerCertificate,
  readAuthority,
  type Authority,
  type CertificatePair,
} from "./tls/certificate.ts";
