/**
 * The domain of Gatehouse, pure: no I/O, no clock, nothing of Node.
 * @module
 */
export * from "./severity.ts";
export * from "./finding.ts";
export * from "./scan.ts";
export * from "./subject.ts";
export * from "./subject-of.ts";
export * from "./model.ts";
export * from "./decision.ts";
export * from "./image-reference.ts";
export * from "./image-uses.ts";
export * from "./judged-kinds.ts";
export * from "./patterns.ts";
export * from "./duration.ts";
export * from "./deadline.ts";
export * from "./problems.ts";
export * from "./policy-warnings.ts";
export * from "./canonical-json.ts";
export * from "./policy-hash.ts";
export * from "./schema.ts";
export * from "./build.ts";
export * from "./read-vex.ts";
export * from "./vex.ts";
export type * from "./vex-document.ts";
export * from "./decide.ts";
export * from "./impact-model.ts";
export * from "./impact.ts";
export { judgeWorkload } from "./impact-judge.ts";
export type * from "./impact-findings.ts";
export * from "./what-would-change.ts";
export * from "./impact-text.ts";
export * from "./impact-sarif.ts";
export * from "./guard.ts";
export * from "./observer-names.ts";
export * from "./source-config.ts";
export * from "./gate-config.ts";
export * from "./safe-text.ts";
export * from "./message-codes.ts";
export * from "./messages.ts";
export * from "./event.ts";
export * from "./emergency-event.ts";
export * from "./background-event.ts";
