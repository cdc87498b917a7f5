/**
 * Where scan reports come from: registries, folders, clouds.
 * @module
 */
export * from "./source.ts";
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
