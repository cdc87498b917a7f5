import type * as pulumi from "@pulumi/pulumi";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { ValidatingAdmissionPolicy } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicy.js";
import { ValidatingAdmissionPolicyBinding } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicyBinding.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { sha256Hex } from "@gatehouse/policy";
import { commonLabels } from "./names.ts";
import { ownNamespacePolicy, rightToRun } from "./own-namespace.ts";
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

/**
 * Lets the gate run its image, by a right that is named by the image: an upgrade makes another one, and this one goes
 * when the upgrade has succeeded.
 */
export function rightToRunImage(
  place: Placement,
  settings: GateSettings,
  account: pulumi.Input<string>,
): RoleBinding {
  const name = `${place.name}-image-${sha256Hex(settings.image.reference).slice(0, 16)}`;
  const metadata = { namespace: place.namespace, labels: { ...commonLabels } };
  const role = new Role(name, { metadata, rules: [rightToRun(settings.image.reference)] }, place.options);
  return new RoleBinding(
    name,
    {
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: place.namespace }],
    },
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
      spec: ownNamespacePolicy(settings),
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
