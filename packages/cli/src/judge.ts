/** Judges objects on this machine as the gate would: the same extractor, the same `decide`, the same modes. */
import {
  applyMode,
  apiVersionOf,
  decide,
  judgedKind,
  judgedKinds,
  platformsOf,
  referencesToScan,
  subjectOf,
  type Cluster,
  type ImageScan,
  type Mode,
  type Platform,
  type Policy,
  type Problem,
  type Refusal,
  type Ruling,
  type Scans,
  type Subject,
} from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import type { Manifest, ManifestProblem } from "./input/manifests.ts";

/** What objects are judged by. */
export interface JudgeBy {
  policy: Policy;
  mode: Mode;
  /** Milliseconds since 1970. */
  now: number;
  lookUp: LookUp;
  cluster: Cluster;
  /** Platforms of the cluster; empty: all that an image has. */
  platforms: readonly Platform[];
  /** Of objects that name none. */
  namespace: string;
  namespaceLabels?: Readonly<Record<string, string>>;
}

/** What a manifest calls itself. */
export interface ObjectName {
  apiVersion: string;
  kind: string;
  namespace: string;
  /** Its generateName and `…` while it has no name. */
  name: string;
}

/** What became of one object. */
export type Judged = { manifest: Manifest; object: ObjectName } & (
  | { verdict: "not-judged"; reason: string }
  /** Its images cannot be read. */
  | { verdict: "refused"; action: "audit" | "deny"; refusal: Refusal; problems: readonly Problem[] }
  | {
      verdict: "ruled";
      ruling: Ruling;
      subject: Subject;
      scans: Scans;
      /** Whether something about it could not be told. */
      open: boolean;
    }
);

/** Judges every object, each image looked up once. What is no Kubernetes object is a problem with its place. */
export async function judgeAll(
  manifests: readonly Manifest[],
  by: JudgeBy,
): Promise<{ judged: Judged[]; problems: ManifestProblem[] }> {
  const known = new Map<string, Promise<ImageScan>>();
  const signal = new AbortController().signal;
  const lookUp = async (reference: string, platforms: readonly Platform[]) => {
    const key = `${reference} ${platforms.join()}`;
    const scan = known.get(key) ?? Promise.resolve(by.lookUp(reference, { platforms, signal }));
    known.set(key, scan);
    return await scan;
  };
  const judged: Judged[] = [];
  const problems: ManifestProblem[] = [];
  for (const manifest of manifests) {
    const object = nameOf(manifest.object, by.namespace);
    const problem = identityProblem(manifest.object, object);
    if (problem === undefined) judged.push(await judgeOne(manifest, object, by, lookUp));
    else problems.push({ file: manifest.file, document: manifest.document, line: manifest.line, problem });
  }
  return { judged, problems };
}

async function judgeOne(
  manifest: Manifest,
  object: ObjectName,
  by: JudgeBy,
  lookUp: (reference: string, platforms: readonly Platform[]) => Promise<ImageScan>,
): Promise<Judged> {
  const at = { manifest, object };
  if (judgedKind(object.apiVersion, object.kind) === undefined)
    return { ...at, verdict: "not-judged", reason: "the gate judges no objects of this kind" };
  const made = subjectOf(manifest.object, {
    cluster: by.cluster,
    namespace: object.namespace,
    ...(by.namespaceLabels === undefined ? {} : { namespaceLabels: by.namespaceLabels }),
  });
  if (!made.ok) {
    const lines = made.problems.map(({ path, problem }) => `${path || "object"}: ${problem}`);
    const action = by.mode === "deny" ? "deny" : "audit";
    return {
      ...at,
      verdict: "refused",
      action,
      refusal: { code: "GH1022", problems: lines },
      problems: made.problems,
    };
  }
  const { subject } = made;
  if (subject.images.length === 0) return { ...at, verdict: "not-judged", reason: "it names no image" };
  const platforms = platformsOf(manifest.object, by.platforms);
  const scans = new Map<string, ImageScan>();
  for (const reference of referencesToScan(by.policy, subject))
    scans.set(reference, await lookUp(reference, platforms));
  const ruling = applyMode(decide(by.policy, subject, scans, by.now), by.mode);
  return { ...at, verdict: "ruled", ruling, subject, scans, open: isOpen(ruling, scans) };
}

/** Whether any rule had to go by something that is not known. Images that no rule asks about leave nothing open. */
function isOpen({ images }: Ruling, scans: Scans): boolean {
  return images.some(
    ({ reference, state, rules }) =>
      scans.has(reference) &&
      (state !== "complete" ||
        rules.some(({ outcome, couldNotTell }) => outcome !== "allow" && couldNotTell.length > 0)),
  );
}

function nameOf(object: unknown, namespace: string): ObjectName {
  const { apiVersion, kind, metadata } = fieldsOf(object);
  const { name, generateName, namespace: own } = fieldsOf(metadata);
  return {
    apiVersion: textOf(apiVersion),
    kind: textOf(kind),
    namespace: textOf(own) || namespace,
    name: textOf(name) || (textOf(generateName) === "" ? "" : `${textOf(generateName)}…`),
  };
}

/** Groups whose objects are Kubernetes's own, in whatever version. */
const ownGroups = new Set(["", "apps", "batch", "extensions"]);

/** What keeps an object from being one that can be told from others, if anything does. */
function identityProblem(object: unknown, { apiVersion, kind }: ObjectName): string | undefined {
  if (apiVersion === "" || kind === "")
    return `expected apiVersion and kind as texts, got ${shown(object, "apiVersion")} and ${shown(object, "kind")}`;
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  const same = judgedKinds.find((one) => one.kind === kind);
  if (same === undefined || apiVersionOf(same) === apiVersion || !ownGroups.has(group)) return undefined;
  return `expected apiVersion ${apiVersionOf(same)} of a ${kind}, got ${JSON.stringify(apiVersion)}`;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function shown(object: unknown, field: string): string {
  return JSON.stringify(fieldsOf(object)[field])?.slice(0, 80) ?? "nothing";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
