import type { input as k8s } from "@pulumi/kubernetes/types/index.js";

/**
 * Labels by which AKS's admissions enforcer lets a namespace out of every webhook: it writes a selector on them into
 * each webhook configuration (documented under "Can admission controller webhooks impact kube-system" of AKS's FAQ).
 */
export const exemptingLabels = ["control-plane", "kubernetes.azure.com/managedby"] as const;

/** Who may set the labels: whoever could take the gate out of the way by its own registration, too. */
const authorised =
  "authorizer.group('admissionregistration.k8s.io').resource('validatingwebhookconfigurations').name('gatehouse').check('update').allowed()";

/** Whether one label is absent, or as it was. */
function unchanged(label: string): string {
  const has = (object: string) => `has(${object}.metadata.labels) && '${label}' in ${object}.metadata.labels`;
  return `(!(${has("object")}) || (oldObject != null && ${has("oldObject")} && oldObject.metadata.labels['${label}'] == object.metadata.labels['${label}']))`;
}

/**
 * Keeps callers who may not change the gate's registration from putting a namespace under labels that take it away from
 * the gate. Labels that a namespace has stay; they may always be removed.
 */
export function namespaceLabelsPolicy(): k8s.admissionregistration.v1.ValidatingAdmissionPolicySpec {
  return {
    failurePolicy: "Fail",
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [""],
          apiVersions: ["v1"],
          // Labels can be written by way of either subresource, too.
          resources: ["namespaces", "namespaces/finalize", "namespaces/status"],
          operations: ["CREATE", "UPDATE"],
          scope: "Cluster",
        },
      ],
    },
    validations: [
      {
        expression: `${exemptingLabels.map(unchanged).join(" && ")} || ${authorised}`,
        message: `AKS keeps namespaces with the labels ${exemptingLabels.join(" and ")} away from admission webhooks; only those who may update the gate's registration set them`,
      },
    ],
  };
}
