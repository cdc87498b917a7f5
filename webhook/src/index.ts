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
export { showExemptionExpiry } from "./judge/exemption-expiry.ts";
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
export { createBackground, type Background, type VerdictChange } from "./observer/background.ts";
export type { Verdict } from "./observer/verdict.ts";
export { createBackgroundEvents } from "./observer/background-events.ts";
export { createEventStore, type EventStore, type StoredEvent } from "./observer/events/event-store.ts";
export { createAccess, type Access, type Right, type Visible } from "./observer/http/access.ts";
export { observerApp, type ObserverAppOptions } from "./observer/http/app.ts";
export { createImpactService, type ImpactService, type Proposal } from "./observer/impact-service.ts";
export { createObserverMetrics, type ObserverMetrics } from "./observer/metrics.ts";
export { sinkMetrics } from "./observer/sink/sink-metrics.ts";
export { observe, type Observation, type ObserveOptions } from "./observer/observe.ts";
export { runObserver, type RunningObserver, type RunObserverOptions } from "./observer/run.ts";
export { inSlices } from "./observer/slices.ts";
export { stepBack } from "./observer/step-back.ts";
