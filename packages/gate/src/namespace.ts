import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { ValidatingAdmissionPolicy } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicy.js";
import { ValidatingAdmissionPolicyBinding } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicyBinding.js";
import { commonLabels } from "./names.ts";
import { ownNamespacePolicy } from "./own-namespace.ts";
import type { Placement } from "./placement.ts";
import type { GateSettings } from "./settings.ts";

/** The gate's namespace, under the strictest Pod Security level. */
export function gateNamespace(place: Omit<Placement, "namespace">, settings: GateSettings): Namespace {
  const restricted = Object.fromEntries(
    ["enforce", "audit", "warn"].map((what) => [`pod-security.kubernetes.io/${what}`, "restricted"]),
  );
  return new Namespace(
    `${place.name}-namespace`,
    { metadata: { name: settings.namespace, labels: { ...commonLabels, ...restricted } } },
    place.options,
  );
}

/** Keeps everything but the gate's own images out of its namespace; the binding puts it in force. */
export function ownNamespaceGuard(
  place: Placement,
  settings: GateSettings,
): ValidatingAdmissionPolicyBinding {
  const name = `${place.name}-own-namespace`;
  const policy = new ValidatingAdmissionPolicy(
    name,
    {
      metadata: { labels: { ...commonLabels } },
      spec: ownNamespacePolicy(settings.namespace, [settings.image.reference]),
    },
    place.options,
  );
  return new ValidatingAdmissionPolicyBinding(
    name,
    {
      metadata: { labels: { ...commonLabels } },
      spec: { policyName: policy.metadata.name, validationActions: ["Deny"] },
    },
    place.options,
  );
}
