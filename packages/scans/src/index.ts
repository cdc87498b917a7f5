/**
 * Where scan reports come from: registries, folders, clouds.
 * @module
 */
export * from "./source.ts";
export * from "./look-up.ts";
