import { LRUCache } from "lru-cache";
import type { Platform } from "@gatehouse/policy";

/** A platform in the words that runtimes compare by. */
interface Normal {
  os: string;
  architecture: string;
  variant: string | undefined;
}

/** Other names that containerd takes for an architecture (github.com/containerd/platforms, `normalizeArch`). */
const otherNames: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  i386: ["386"],
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};
/** Architectures whose processors also run another one's images: taken by containerd where their own is missing. */
const alsoRuns: Readonly<Record<string, string>> = { amd64: "386", arm64: "arm" };
/** The variant that every processor of an architecture has. */
const baseline: Readonly<Record<string, number>> = { amd64: 1, arm64: 8 };

/** What platforms come to. A cluster has few; an index can name whatever it likes. */
const normals = new LRUCache<Platform, Normal>({ max: 200 });

/** As containerd reads a platform: in any letter case, under any of an architecture's names. */
function normal(platform: Platform): Normal {
  let known = normals.get(platform);
  if (known === undefined) {
    known = readPlatform(platform);
    normals.set(platform, known);
  }
  return known;
}

function readPlatform(platform: Platform): Normal {
  const [os = "", written = "", variant] = platform.toLowerCase().split("/");
  const [architecture, implied] = Object.hasOwn(otherNames, written)
    ? (otherNames[written] ?? [written])
    : [written];
  return { os, architecture, variant: implied ?? (variant === "" ? undefined : variant) };
}

/** `v8.2` as 8.2; NaN when it is no number. */
function version(variant: string): number {
  return /^v?\d+(?:\.\d+)?$/.test(variant) ? Number(variant.replace("v", "")) : Number.NaN;
}

/**
 * Whether an image for `offered` may run where `wanted` is scheduled. A variant that only one side names does not
 * tell them apart (`linux/arm64` and `linux/arm64/v8`), and an image for an older processor runs on a newer one: a
 * runtime would take either, so both are judged. Names are compared as containerd does: an index whose author writes
 * `linux/x86_64` runs on `linux/amd64`, and must not hide behind that.
 */
export function platformFits(offered: Platform, wanted: Platform): boolean {
  return fits(normal(offered), normal(wanted));
}

function fits(offered: Normal, wanted: Normal): boolean {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return false;
  if (offered.variant === undefined || wanted.variant === undefined) return true;
  return offered.variant === wanted.variant || version(offered.variant) <= version(wanted.variant);
}

/**
 * The entries of an index that a runtime may take on one of the wanted platforms, and one that names no platform.
 * Where no entry is for every processor of an architecture, the runtime may go on to what else the processor runs
 * (`linux/386` on amd64, `linux/arm` on arm64), so that is judged too.
 */
export function takenFrom<T extends { platform?: Platform }>(
  entries: readonly T[],
  wanted: readonly Platform[],
): T[] {
  const read = entries.map(({ platform }) => (platform === undefined ? undefined : normal(platform)));
  const accepted = wanted.map(normal).flatMap((one) => {
    const sure = read.some((offered) => offered !== undefined && fits(offered, one) && isBaseline(offered));
    const other = alsoRuns[one.architecture];
    return sure || other === undefined
      ? [one]
      : [one, { os: one.os, architecture: other, variant: undefined }];
  });
  return entries.filter((_, index) => {
    const offered = read[index];
    return offered === undefined || accepted.some((one) => fits(offered, one));
  });
}

function isBaseline({ architecture, variant }: Normal): boolean {
  return variant === undefined || version(variant) === baseline[architecture];
}
