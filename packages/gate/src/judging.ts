import * as pulumi from "@pulumi/pulumi";
import { canonicalJson, sha256Hex, type RunningDigests } from "@gatehouse/policy";
import type { GateArgs } from "./args.ts";
import type { GateSettings } from "./settings.ts";

/**
 * What a verdict depends on beside policy and mode, one text for each: what an image is found to be, and who is asked
 * about at all. A change of it can newly deny. Small enough for an annotation: the registration says it, so that what
 * is in force is known also after a roll-out that failed, and the guard compares with that. A source is there by its
 * SHA-256, since not everybody should read all of it; so is `running`, which may be long.
 */
export type Judging = Readonly<Record<string, string>>;

/** Keys of {@link Judging}; a source's is `source NAME`. */
const EXCLUDED = "excludedNamespaces";
const RUNNING = "running";

/** What a Gate judges by, for its resources and for a hook, which must not wait for an Output. */
export interface JudgingInput {
  /** Never secret, and unknown only while what the cluster or a source is made of is. */
  readonly text: pulumi.Output<string>;
  /** Undefined until the text is known: it is when a resource that has it as an input is registered. */
  known(): Judging | undefined;
}

/** What a Gate judges by. */
export function judgingOf(
  args: Pick<GateArgs, "cluster" | "sources" | "exploitFeed">,
  settings: GateSettings,
): JudgingInput {
  let known: Judging | undefined;
  const inputs = pulumi.output([args.cluster, args.sources ?? []] as const);
  const text = pulumi.unsecret(inputs).apply(([cluster, sources]) => {
    known = judgingFor(cluster, sources, args.exploitFeed, settings);
    return canonicalJson(known, "judging");
  });
  return { text, known: () => known };
}

function judgingFor(
  cluster: object,
  sources: readonly { readonly name: string }[],
  exploitFeed: GateArgs["exploitFeed"],
  settings: GateSettings,
): Judging {
  return {
    cluster: canonicalJson(withoutUndefined(cluster), "cluster"),
    ...Object.fromEntries(
      sources.map((source, index) => [
        `source ${source.name}`,
        `${index + 1} ${sha256Hex(canonicalJson(withoutUndefined(source), "sources"))}`,
      ]),
    ),
    // There only where there is one: it came later than the rest, and its absence is no change.
    ...(exploitFeed === undefined
      ? {}
      : { exploitFeed: canonicalJson(withoutUndefined(exploitFeed), "exploitFeed") }),
    combine: settings.combine ?? "first",
    platforms: [settings.platforms].flat().toSorted().join(" "),
    [RUNNING]: runningHash(runningEntries(settings.running)),
    [EXCLUDED]: settings.excludedNamespaces.join(" "),
  };
}

/** What may be scheduled again, as `namespace repository digest`. */
export function runningEntries(running: RunningDigests = []): string[] {
  return running
    .flatMap(({ namespace, repository, digests }) =>
      digests.map((digest) => `${namespace} ${repository} ${digest}`),
    )
    .sort();
}

/** Of the entries, in their order. */
export function runningHash(entries: readonly string[]): string {
  return sha256Hex(canonicalJson(entries));
}

/** Reads an annotation; undefined when there is none, or none that can be read. */
export function judgingFrom(text: unknown): Judging | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJudging(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isJudging(value: unknown): value is Judging {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === "string")
  );
}

/** Why a change might newly deny. */
export interface JudgingChange {
  /** The gate in force cannot tell whom: it judges by what was. */
  readonly untold: readonly string[];
  /** The gate in force can tell whom. */
  readonly told: readonly string[];
}

/** What may run again, before and after; undefined where it is not known. */
export interface RunningChange {
  readonly before: readonly string[] | undefined;
  readonly after: readonly string[];
}

/**
 * Why a change might newly deny. It names none that certainly does not: more that is excluded, more that may run again.
 *
 * @param before what is in force; undefined when that is not known
 */
export function judgingChange(
  before: Judging | undefined,
  after: Judging,
  running: RunningChange,
): JudgingChange {
  if (before === undefined)
    return { untold: ["sources, platforms and the like of the gate in force are not known"], told: [] };
  const others = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => key !== RUNNING && key !== EXCLUDED && before[key] !== after[key])
    .sort()
    .map(
      (key) =>
        `${key} ${before[key] === undefined ? "is new" : after[key] === undefined ? "goes" : "changes"}`,
    );
  const excluded = wordsOf(after[EXCLUDED]);
  const judged = wordsOf(before[EXCLUDED]).filter((name) => !excluded.includes(name));
  return {
    untold: [...others, ...judged.map((name) => `namespace ${name} is excluded no more`)],
    told: before[RUNNING] === after[RUNNING] ? [] : endedRunning(before[RUNNING], running),
  };
}

function endedRunning(inForce: string | undefined, { before = [], after }: RunningChange): string[] {
  const known = [[], before].find((entries) => runningHash(entries) === inForce);
  if (known === undefined) return ["other digests may run again than before"];
  const kept = new Set(after);
  const ended = known.filter((entry) => !kept.has(entry)).length;
  return ended === 0 ? [] : [`${ended} of the digests in running may run again no more`];
}

function wordsOf(text: string | undefined): string[] {
  return (text ?? "").split(" ").filter((word) => word !== "");
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [key, withoutUndefined(inner)]),
  );
}
