import { unscanned, type ScanReport } from "@gatehouse/policy";
import type { ImageIdentity, ResolvedImage, ScanSource } from "../source.ts";

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

/** A source that holds its reports in memory, for tests of what uses sources. `asked` lists what it was asked. */
export function memorySource(options: MemorySourceOptions = {}): ScanSource & { readonly asked: string[] } {
  const name = options.name ?? "memory";
  const asked: string[] = [];
  return {
    name,
    asked,
    covers: ({ registry }) => options.registries?.includes(registry) ?? true,
    resolve: (reference) => {
      const key = `${reference.registry}/${reference.repository}:${reference.tag ?? ""}`;
      return Promise.resolve(reference.digest === undefined ? options.tags?.[key] : undefined);
    },
    async report(image) {
      asked.push(`${image.registry}/${image.repository}@${image.digest}`);
      const report = options.reports?.[image.digest];
      if (typeof report === "function") return await report(image);
      return (
        report ?? unscanned("absent", "there is no report of it", name).platforms[0]?.report ?? missing()
      );
    },
  };
}

function missing(): never {
  throw new Error("an unscanned image always has one platform");
}
