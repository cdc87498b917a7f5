/**
 * Stand-ins for what reports come from, and the suite that every source must pass.
 * @module
 */
export * from "./memory-source.ts";
export * from "./fake-registry.ts";
export * from "./fake-network.ts";
export * as misbehaviours from "./misbehaviours.ts";
export * as clouds from "./clouds/index.ts";
