import { imageUses, podNamePrefix, podSpecOf, type ImageUses } from "./image-uses.ts";
import type { Problem } from "./problems.ts";
import type { Platform } from "./scan.ts";
import type { Cluster, ImageUse, Subject, Workload } from "./subject.ts";

/** What is known of an object besides the object itself. */
export interface KnownOfObject {
  cluster: Cluster;
  /** The namespace it is or would be in. */
  namespace: string;
  /** Those that count, where someone has read the object and picked them. Default: all that it names. */
  images?: readonly ImageUse[];
  /** Absent when they are not known. */
  namespaceLabels?: Readonly<Record<string, string>>;
  /** The top owner, where someone has resolved it. Default: the object itself, unless it says that it has an owner. */
  workload?: Workload;
  running?: Subject["running"];
}

/** A subject, or why there is none. */
export type SubjectOf =
  | { ok: true; subject: Subject }
  /** Its images cannot be told, which is never "no images". */
  | { ok: false; problems: readonly Problem[] };

/** The subject that an object of a judged kind is, as `decide` takes it. Never throws. */
export function subjectOf(object: unknown, known: KnownOfObject): SubjectOf {
  const uses: ImageUses = known.images === undefined ? imageUses(object) : { ok: true, images: known.images };
  if (!uses.ok) return uses;
  const { kind, metadata } = object as { kind: string; metadata?: unknown };
  const fields = fieldsOf(metadata);
  const name = textOf(fields["name"]);
  const uid = textOf(fields["uid"]);
  const self = { kind, name: name || textOf(fields["generateName"]) };
  const withUid = uid === "" ? {} : { uid };
  const { namespaceLabels: labels, running } = known;
  return {
    ok: true,
    subject: {
      cluster: known.cluster,
      namespace: { name: known.namespace, ...(labels === undefined ? {} : { labels }) },
      object: {
        kind,
        name,
        labels: fieldsOf(fields["labels"]) as Readonly<Record<string, string>>,
        ...withUid,
      },
      pod: podNamePrefix(object),
      workload:
        known.workload ??
        (isControlled(fields["ownerReferences"])
          ? { resolved: false, reason: "its owner was not asked for" }
          : { resolved: true, ...self, ...withUid }),
      images: uses.images,
      ...(running === undefined ? {} : { running }),
    },
  };
}

/**
 * The cluster's platforms that the object's Pods can be scheduled on: their nodeSelector may name an operating system
 * or an architecture (https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-arch). All of them
 * when it fits none; empty, which means every platform, when the cluster's are not known.
 */
export function platformsOf(object: unknown, all: readonly Platform[]): readonly Platform[] {
  if (all.length <= 1) return all;
  const selector = fieldsOf(podSpecOf(object)?.["nodeSelector"]);
  const os = selector["kubernetes.io/os"];
  const architecture = selector["kubernetes.io/arch"];
  const fitting = all.filter((platform) => {
    const [itsOs, itsArchitecture] = platform.split("/");
    return (
      (os === undefined || os === itsOs) && (architecture === undefined || architecture === itsArchitecture)
    );
  });
  return fitting.length === 0 ? all : fitting;
}

/** Whether an owner manages it. What is no list of references cannot be read, and counts as one. */
function isControlled(references: unknown): boolean {
  if (references === undefined || references === null) return false;
  return !Array.isArray(references) || references.some((one) => fieldsOf(one)["controller"] === true);
}

/** Own fields only, as `imageUses` reads them. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...(value as Readonly<Record<string, unknown>>) }
    : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
