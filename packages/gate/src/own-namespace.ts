import type { input as k8s } from "@pulumi/kubernetes/types/index.js";

/**
 * The gate does not judge its own namespace, or nothing could start it again. So the API server itself keeps everything
 * else out of it: Pods there run the gate's own images, by digest, and have no other kind of image.
 *
 * @param images the references that the gate's Pods have, as they are written in them
 */
export function ownNamespacePolicy(
  namespace: string,
  images: readonly string[],
): k8s.admissionregistration.v1.ValidatingAdmissionPolicySpec {
  const allowed = [...new Set(images)]
    .sort()
    .map((image) => `'${image}'`)
    .join(", ");
  const absent = (field: string) => `(!has(object.spec.${field}) || object.spec.${field}.size() == 0)`;
  return {
    failurePolicy: "Fail",
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [""],
          apiVersions: ["v1"],
          resources: ["pods", "pods/ephemeralcontainers"],
          operations: ["CREATE", "UPDATE"],
          scope: "Namespaced",
        },
      ],
    },
    // By the request's namespace: a selector's labels could be set.
    matchConditions: [{ name: "own-namespace", expression: `request.namespace == '${namespace}'` }],
    validations: [
      {
        // What runs already may be updated in other ways while an upgrade replaces it.
        expression: `object.spec.containers.all(c, c.image in [${allowed}] || (request.operation == 'UPDATE' && oldObject.spec.containers.exists(o, o.image == c.image)))`,
        message: `only the gate's own images run in namespace ${namespace}`,
      },
      {
        expression: `${absent("initContainers")} && ${absent("ephemeralContainers")}`,
        message: `no init or ephemeral containers run in namespace ${namespace}`,
      },
      {
        expression: "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.image))",
        message: `no images are mounted in namespace ${namespace}`,
      },
    ],
  };
}
