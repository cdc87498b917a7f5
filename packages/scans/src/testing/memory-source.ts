import type { IncompleteState, ScanReport } from "@gatehouse/policy";
import type { ImageIdentity, ResolvedImage, ScanSource } from "../source.ts";

/** What the source knows. An image without an entry is `absent`. */
export interface MemorySourceOptions {
  /** @default "memory" */
  name?: string;
  /** What references resolve to, by `registry/repository:tag`. */
  tags?: Readonly<Record<string, ResolvedImage>>;
  /** Reports by digest; a function is called for each request, and may be slow or throw. */
  reports?: Readonly<Record<string, ScanReport | ((image: ImageIdentity) => Promise<ScanReport>)>>;
  /** Registries it answers for. Default: all. */
  registries?: readonly string[];
}

/** A source as tests hold it: what it was asked, and a way to break it. */
export interface MemorySource extends ScanSource {
  /** What it was asked, as `registry/repository@digest`. */
  readonly asked: string[];
  /** From now on it answers `unavailable`. */
  breakDown(): void;
}

/** A source that holds its reports in memory, for tests of what uses sources. */
export function memorySource(options: MemorySourceOptions = {}): MemorySource {
  const name = options.name ?? "memory";
  const asked: string[] = [];
  let broken = false;
  return {
    name,
    asked,
    breakDown() {
      broken = true;
    },
    covers: ({ registry }) => options.registries?.includes(registry) ?? true,
    resolve: (reference) => {
      const key = `${reference.registry}/${reference.repository}:${reference.tag ?? ""}`;
      return Promise.resolve(reference.digest === undefined ? options.tags?.[key] : undefined);
    },
    async report(image) {
      asked.push(`${image.registry}/${image.repository}@${image.digest}`);
      if (broken) return missingReport("unavailable", "it was told to break down", name);
      const report = options.reports?.[image.digest];
      if (typeof report === "function") return await report(image);
      return report ?? missingReport("absent", "there is no report of it", name);
    },
  };
}

function missingReport(state: IncompleteState, reason: string, source: string): ScanReport {
  return { state, reason, source, trust: { kind: "source" }, findings: [] };
}
