import type * as pulumi from "@pulumi/pulumi";
import type { input as k8s } from "@pulumi/kubernetes/types/index.js";
import { judgedKinds } from "@gatehouse/policy";
import { addsImage, exclusion } from "./match-conditions.ts";
import { PINNING_WEBHOOK, SERVICE_NAME, VALIDATING_WEBHOOK } from "./names.ts";
import { SERVICE_PORT } from "./service.ts";
import type { GateSettings } from "./settings.ts";

/** What both webhook configurations need to know of the deployed gate. */
export interface WebhookParts {
  readonly namespace: pulumi.Input<string>;
  /** Base64 of PEM certificates. */
  readonly caBundle: pulumi.Input<string>;
  /** The URL's path. */
  readonly path: pulumi.Input<string>;
}

const pods = judgedKinds.filter(({ kind }) => kind === "Pod");

/** One rule for each API group: named kinds, never `*`, which GKE Autopilot refuses. */
export function validatingRules(): k8s.admissionregistration.v1.RuleWithOperations[] {
  const groups = new Map<string, { version: string; resources: string[] }>();
  for (const { apiGroup, version, plural } of judgedKinds) {
    const group = groups.get(`${apiGroup}/${version}`) ?? { version, resources: [] };
    group.resources.push(plural);
    if (plural === "pods") group.resources.push("pods/ephemeralcontainers");
    groups.set(`${apiGroup}/${version}`, group);
  }
  return [...groups].map(([key, { version, resources }]) => ({
    apiGroups: [key.slice(0, key.indexOf("/"))],
    apiVersions: [version],
    resources,
    operations: ["CREATE", "UPDATE"],
    scope: "Namespaced",
  }));
}

/**
 * The webhook that admits or refuses. Neither a namespaceSelector nor an objectSelector: requesters could set what
 * the second asks for, and AKS and GKE rewrite the first.
 */
export function validatingWebhook(
  settings: GateSettings,
  parts: WebhookParts,
): k8s.admissionregistration.v1.ValidatingWebhook {
  return {
    ...common(settings, parts),
    name: VALIDATING_WEBHOOK,
    rules: validatingRules(),
    sideEffects: "NoneOnDryRun",
    matchConditions: [exclusion(settings.excludedNamespaces), ...addsImage()],
  };
}

/**
 * The webhook that pins the images of Pods to the digests that were judged: all of a new Pod, and what is put into a
 * running one, which the API server lets change in nothing but its images. Owners are never touched.
 */
export function pinningWebhook(
  settings: GateSettings,
  parts: WebhookParts,
): k8s.admissionregistration.v1.MutatingWebhook {
  return {
    ...common(settings, parts),
    name: PINNING_WEBHOOK,
    rules: [
      {
        apiGroups: [""],
        apiVersions: ["v1"],
        resources: ["pods", "pods/ephemeralcontainers"],
        operations: ["CREATE", "UPDATE"],
        scope: "Namespaced",
      },
    ],
    // A denial is told, except that of a dry run.
    sideEffects: "NoneOnDryRun",
    // Another webhook may add a container after us.
    reinvocationPolicy: "IfNeeded",
    matchConditions: [exclusion(settings.excludedNamespaces), ...addsImage(pods)],
  };
}

function common(settings: GateSettings, parts: WebhookParts) {
  return {
    admissionReviewVersions: ["v1"],
    clientConfig: {
      caBundle: parts.caBundle,
      service: { name: SERVICE_NAME, namespace: parts.namespace, port: SERVICE_PORT, path: parts.path },
    },
    failurePolicy: settings.failurePolicy,
    matchPolicy: "Equivalent",
    timeoutSeconds: settings.timeoutSeconds,
  };
}
