import type { input as k8s } from "@pulumi/kubernetes/types/index.js";
import type { AccessRule } from "./rbac.ts";
import type { GateSettings } from "./settings.ts";

/** The right to run an image in the gate's namespace. No API server serves it; the policy below asks for it. */
const RUN = { group: "gatehouse.dev", resource: "images", verb: "run" } as const;

/** The right of the gate's service account to run one image, as a rule of a Role of its namespace. */
export function rightToRun(image: string): AccessRule & { resourceNames: string[] } {
  return { apiGroups: [RUN.group], resources: [RUN.resource], resourceNames: [image], verbs: [RUN.verb] };
}

/**
 * The gate does not judge its own namespace, or nothing could start it again. So the API server itself keeps everything
 * else out of it: Pods there run the gate's own images, by digest, and have no other kind of image.
 *
 * During an upgrade there are two: Pods of the old image that are lost must come back until the new ones have taken
 * over. The policy names the new one. The old one runs by the right that it was given when it was new; that right is a
 * resource named by its image, so that Pulumi takes it away at the end of the update that succeeds. A cluster that lets
 * the service account do anything would say yes to every image, so its word counts only if it says no to one that
 * nobody has.
 */
export function ownNamespacePolicy({
  namespace,
  serviceAccount,
  image,
}: Pick<
  GateSettings,
  "namespace" | "serviceAccount" | "image"
>): k8s.admissionregistration.v1.ValidatingAdmissionPolicySpec {
  const mayRun = (name: string) =>
    `authorizer.serviceAccount('${namespace}', '${serviceAccount}').group('${RUN.group}').resource('${RUN.resource}').namespace('${namespace}').name(${name}).check('${RUN.verb}').allowed()`;
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
    variables: [{ name: "mayRunAnything", expression: mayRun("'none'") }],
    validations: [
      {
        // What runs already may be updated in other ways while an upgrade replaces it.
        expression: `object.spec.containers.all(c, c.image == '${image.reference}' || (!variables.mayRunAnything && ${mayRun("c.image")}) || (request.operation == 'UPDATE' && oldObject.spec.containers.exists(o, o.image == c.image)))`,
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
