/** What the observer keeps of an object of the cluster, which is as little as judging it takes. */
import type { KubeObject, OwnerReference } from "@gatehouse/kube";
import {
  formatRepository,
  imageUses,
  parseImageReference,
  podNamePrefix,
  podSpecOf,
  templateLabels,
  type ImageUse,
} from "@gatehouse/policy";
import type { Interner } from "./intern.ts";

/** The owner that manages an object. */
export type Controller = Pick<OwnerReference, "apiVersion" | "kind" | "name" | "uid">;

/** One object with a Pod spec. */
export interface Held {
  readonly uid: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly controller?: Controller;
  readonly labels: Readonly<Record<string, string>>;
  /** Labels of the Pods it makes; a Pod's own. */
  readonly podLabels: Readonly<Record<string, string>>;
  /** Name, or beginning of the names, of its Pods. */
  readonly pod: string;
  readonly images: readonly ImageUse[];
  /** Nodes that its Pods ask for: `kubernetes.io/os` and `kubernetes.io/arch`. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Of a Pod that a node runs: the images with the digest that runs. Absent when there are none, or not any more. */
  readonly running?: readonly ImageUse[];
  /** A static Pod's mirror: audited, never denied. */
  readonly mirror?: true;
}

/** Made by a built-in controller from an owner that is judged itself: only who owns it is of interest. */
const made: Readonly<Record<string, string>> = { ReplicaSet: "Deployment", Job: "CronJob" };
const none: readonly never[] = [];
const noLabels: Readonly<Record<string, string>> = {};

/**
 * Keeps what is needed of an object.
 *
 * @throws Error when its images cannot be told
 */
export function holdObject(object: KubeObject, intern: Interner): Held {
  const { metadata, kind } = object;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const base = {
    uid: metadata.uid ?? "",
    kind,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    ...(owner === undefined
      ? {}
      : {
          controller: intern({
            apiVersion: owner.apiVersion,
            kind: owner.kind,
            name: owner.name,
            uid: owner.uid,
          }),
        }),
  };
  if (owner !== undefined && made[kind] === owner.kind)
    return { ...base, labels: noLabels, podLabels: noLabels, pod: "", images: none };
  const uses = imageUses(object);
  if (!uses.ok)
    throw new Error(
      `${kind} ${base.namespace}/${base.name}: ${uses.problems.map(({ path, problem }) => `${path}: ${problem}`).join("; ")}`,
    );
  const running = kind === "Pod" ? runningImages(object, uses.images) : none;
  const nodeSelector = nodeSelectorOf(object);
  return {
    ...base,
    labels: intern({ ...metadata.labels }),
    podLabels: intern({ ...templateLabels(object) }),
    pod: podNamePrefix(object),
    images: intern([...uses.images]),
    ...(nodeSelector === undefined ? {} : { nodeSelector: intern(nodeSelector) }),
    ...(running.length === 0 ? {} : { running: intern(running) }),
    ...(kind === "Pod" && metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined
      ? { mirror: true as const }
      : {}),
  };
}

/** Whether two states of one object differ in nothing that is kept: most updates only touch a status. */
export function sameHeld(a: Held, b: Held): boolean {
  return (
    a.uid === b.uid &&
    a.controller === b.controller &&
    a.labels === b.labels &&
    a.podLabels === b.podLabels &&
    a.pod === b.pod &&
    a.images === b.images &&
    a.nodeSelector === b.nodeSelector &&
    a.running === b.running &&
    a.mirror === b.mirror
  );
}

function nodeSelectorOf(object: KubeObject): Record<string, string> | undefined {
  const selector = podSpecOf(object)?.["nodeSelector"] as Record<string, unknown> | null | undefined;
  const kept = ["kubernetes.io/os", "kubernetes.io/arch"].flatMap((label) => {
    const value = selector?.[label];
    return typeof value === "string" ? [[label, value] as const] : [];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

interface PodStatus {
  phase?: string;
  containerStatuses?: readonly ContainerStatus[] | null;
  initContainerStatuses?: readonly ContainerStatus[] | null;
  ephemeralContainerStatuses?: readonly ContainerStatus[] | null;
}

interface ContainerStatus {
  name?: string;
  imageID?: string;
}

/** Where the status of each kind of container stands. */
const statusLists = [
  ["container", "containerStatuses"],
  ["initContainer", "initContainerStatuses"],
  ["ephemeralContainer", "ephemeralContainerStatuses"],
] as const;

function runningImages(object: KubeObject, images: readonly ImageUse[]): ImageUse[] {
  const { status } = object as KubeObject & { status?: PodStatus };
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return [];
  return images.flatMap((use) => {
    const list = statusLists.find(([kind]) => kind === use.kind)?.[1];
    const statuses = (list === undefined ? undefined : status?.[list]) ?? [];
    const digest = digestOfImageId(statuses.find(({ name }) => name === use.name)?.imageID);
    const parsed = parseImageReference(use.reference);
    if (digest === undefined || !parsed.ok) return [];
    return [{ ...use, reference: `${formatRepository(parsed.reference)}@${digest}` }];
  });
}

/**
 * The digest of an `imageID` as runtimes write it: `registry/repository@sha256:…` (containerd, CRI-O), with
 * `docker-pullable://` before it (dockershim and its successors). Undefined for a bare `sha256:…`, which is the id of
 * an image's configuration or of an image without a registry, and for what has not started. The repository is not
 * taken from here: a runtime names any one from which it has had the same bytes.
 * Source: ContainerStatus.image_ref of the CRI API (k8s.io/cri-api, runtime/v1/api.proto).
 */
export function digestOfImageId(imageId: string | undefined): string | undefined {
  return /^(?:[a-z-]+:\/\/)?[^@\s]+@(sha256:[0-9a-f]{64})$/.exec(imageId ?? "")?.[1];
}
