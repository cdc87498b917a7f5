import {
  addedImages,
  imageUses,
  judgedKind,
  subjectOf,
  type ImageUse,
  type KnownOfObject,
  type Refusal,
  type Subject,
  type Workload,
} from "@gatehouse/policy";
import type { OwnerReference } from "@gatehouse/kube";
import type { AdmissionRequest } from "./admission-review.ts";

/**
 * Most different images of one object. No workload has as many; a requester who writes thousands would have the gate
 * look all of them up.
 */
const mostImages = 200;

/** What a request asks to be judged. */
export type Asked =
  /** Nothing to judge: no image is new, or the operation admits none. */
  { judge: "nothing" } | { judge: "refuse"; refusal: Refusal } | AskedImages;

/** Images to be judged, and the metadata of the object that names them. */
export interface AskedImages {
  judge: "images";
  images: readonly ImageUse[];
  metadata: RequestedMetadata;
}

/** Metadata as the requester wrote it, checked as far as it is used. */
export interface RequestedMetadata {
  name: string;
  generateName: string;
  uid?: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, unknown>>;
  ownerReferences: readonly OwnerReference[];
}

/**
 * What there is to judge in a request. An object that cannot be read is refused, never taken for one without images;
 * only deletion and connections carry none.
 */
export function askedOf(request: AdmissionRequest): Asked {
  if (request.operation === "DELETE" || request.operation === "CONNECT") return { judge: "nothing" };
  if (judgedKind(request.apiVersion, request.kind) === undefined) {
    const what = `${request.apiVersion} ${request.kind}${request.subresource === "" ? "" : ` (${request.subresource})`}`;
    return refuse("GH1023", [`${what} is not a kind that the gate judges`]);
  }
  const problems = mismatches(request);
  const uses =
    request.operation === "UPDATE"
      ? addedImages(request.object, request.oldObject)
      : imageUses(request.object);
  if (!uses.ok) problems.push(...uses.problems.map(({ path, problem }) => `${path || "object"}: ${problem}`));
  else if (uses.images.length > mostImages) {
    const different = new Set(uses.images.map(({ reference }) => reference)).size;
    if (different > mostImages)
      problems.push(`object: expected at most ${mostImages} different images, got ${different}`);
  }
  const metadata = metadataOf(request.object, problems);
  if (problems.length > 0 || !uses.ok) return refuse("GH1022", problems);
  return uses.images.length === 0 ? { judge: "nothing" } : { judge: "images", images: uses.images, metadata };
}

function refuse(code: Refusal["code"], problems: readonly string[]): Asked {
  return { judge: "refuse", refusal: { code, problems } };
}

/** Where the review and its object do not speak of the same thing. */
function mismatches(request: AdmissionRequest): string[] {
  const problems: string[] = [];
  const object = fields(request.object);
  if (
    object !== undefined &&
    (object["apiVersion"] !== request.apiVersion || object["kind"] !== request.kind)
  ) {
    problems.push(`object: expected the ${request.apiVersion} ${request.kind} that the request names`);
  }
  if (request.namespace === "") problems.push("namespace: expected a name, got nothing");
  const namespace = fields(object?.["metadata"])?.["namespace"];
  if (namespace !== undefined && namespace !== null && namespace !== request.namespace) {
    problems.push("metadata.namespace: expected the namespace of the request");
  }
  if (request.operation === "UPDATE" && (request.oldObject === null || request.oldObject === undefined)) {
    problems.push("oldObject: expected an object, got nothing");
  }
  return problems;
}

function fields(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

const none: Readonly<Record<string, never>> = {};

/** Reads the metadata; name, generateName and labels were checked along with the images. */
function metadataOf(object: unknown, problems: string[]): RequestedMetadata {
  const metadata = fields(fields(object)?.["metadata"]) ?? none;
  const text = (name: string) => (typeof metadata[name] === "string" ? metadata[name] : "");
  const uid = text("uid");
  return {
    name: text("name"),
    generateName: text("generateName"),
    ...(uid === "" ? {} : { uid }),
    labels: (fields(metadata["labels"]) ?? none) as Readonly<Record<string, string>>,
    annotations: fields(metadata["annotations"]) ?? none,
    ownerReferences: ownersOf(metadata["ownerReferences"], problems),
  };
}

function ownersOf(value: unknown, problems: string[]): OwnerReference[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    problems.push("metadata.ownerReferences: expected an array");
    return [];
  }
  return value.flatMap((entry: unknown, index) => {
    const owner = fields(entry);
    const texts = ["apiVersion", "kind", "name", "uid"].map((name) => owner?.[name]);
    const [apiVersion, kind, name, uid] = texts;
    if (!texts.every((text) => typeof text === "string" && text !== "")) {
      problems.push(`metadata.ownerReferences[${index}]: expected apiVersion, kind, name and uid`);
      return [];
    }
    return [{ apiVersion, kind, name, uid, controller: owner?.["controller"] === true } as OwnerReference];
  });
}

/**
 * The subject of the policy, from what was asked and what the cluster said: only the images that are new.
 *
 * @throws Error when the object cannot be read, which `askedOf` has refused before
 */
export function askedSubject(
  request: AdmissionRequest,
  asked: AskedImages,
  known: Omit<KnownOfObject, "namespace" | "images">,
): Subject {
  const { images } = asked;
  const whole = subjectOf(request.object, { ...known, images, namespace: request.namespace });
  if (!whole.ok) throw new Error("the object cannot be read, though its images could");
  return whole.subject;
}

/**
 * Whether the object mirrors a static Pod: the kubelet runs that already, and a denial would only hide it. Only a
 * node may create one (NodeRestriction), so only a node's word counts.
 */
export function isMirror(request: AdmissionRequest, metadata: RequestedMetadata): boolean {
  return (
    request.kind === "Pod" &&
    Object.hasOwn(metadata.annotations, "kubernetes.io/config.mirror") &&
    request.user.startsWith("system:node:") &&
    request.groups.includes("system:nodes")
  );
}

const controllers: Readonly<Record<string, { users: readonly string[]; owner: string }>> = {
  ReplicaSet: { users: ["system:serviceaccount:kube-system:deployment-controller"], owner: "Deployment" },
  Job: { users: ["system:serviceaccount:kube-system:cronjob-controller"], owner: "CronJob" },
};

/**
 * Whether a built-in controller made this from an owner that was judged itself: then it is not judged twice. Its Pods
 * are. `kube-controller-manager` speaks for all its controllers where each has no account of its own.
 */
export function madeByController(request: AdmissionRequest, workload: Workload): boolean {
  const controller = controllers[request.kind];
  if (controller === undefined || !workload.resolved || workload.kind !== controller.owner) return false;
  return controller.users.includes(request.user) || request.user === "system:kube-controller-manager";
}
