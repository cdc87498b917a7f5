/**
 * Clouds in memory, strict about what they are asked.
 * @module
 */
export * from "./fake-cluster.ts";
export * from "./fake-aws.ts";
export * from "./fake-azure.ts";
export * from "./fake-google.ts";
export * from "./world.ts";
