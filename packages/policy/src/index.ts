/**
 * The domain of Gatehouse, pure: no I/O, no clock, nothing of Node.
 * @module
 */
export * from "./severity.ts";
export * from "./finding.ts";
export * from "./scan.ts";
export * from "./subject.ts";
export * from "./model.ts";
export * from "./decision.ts";
export * from "./source-config.ts";
export * from "./gate-config.ts";
