import type { KnownOfObject, Policy } from "@gatehouse/policy";
import { andThen, type Awaitable } from "@gatehouse/scans";
import type { AdmissionRequest } from "./admission-review.ts";
import type { Deadline } from "./deadline.ts";
import type { Directory } from "./directory.ts";
import { asksNamespaceLabels } from "./needs.ts";
import type { AskedImages } from "./subject.ts";

/**
 * Longest that the cluster's own API is waited for: milliseconds, and a share of the time for the answer, so that
 * enough is left for the look-ups. What it does not say in that time is unknown.
 */
const directoryMs = 2_000;
const directoryShare = 0.4;

/** What the cluster knows of an object's namespace and owner; unknown where it does not answer in time. */
export function surroundings(
  request: AdmissionRequest,
  { metadata }: AskedImages,
  { policy, directory, deadline }: { policy: Policy; directory: Directory; deadline: Deadline },
): Awaitable<Pick<KnownOfObject, "namespaceLabels" | "workload">> {
  const { namespace } = request;
  const self = { kind: request.kind, name: metadata.name || metadata.generateName };
  const atMost = Math.min(directoryMs, deadline.budget * directoryShare);
  const owned = metadata.ownerReferences.some((reference) => reference.controller === true);
  // Both are asked for before either is waited for.
  const labels = asksNamespaceLabels(policy)
    ? deadline.within(directory.namespaceLabels(namespace), atMost)
    : undefined;
  const owner = owned
    ? deadline.within(directory.topOwner({ ...metadata, ...self, namespace }), atMost)
    : ({
        resolved: true,
        ...self,
        ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
      } as const);
  return andThen(labels, (namespaceLabels) =>
    andThen(owner, (workload) => ({
      ...(namespaceLabels === undefined ? {} : { namespaceLabels }),
      workload: workload ?? { resolved: false, reason: "the API server did not answer in time" },
    })),
  );
}
