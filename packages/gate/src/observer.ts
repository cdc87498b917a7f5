import type * as pulumi from "@pulumi/pulumi";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { observerAccount } from "@gatehouse/policy";
import type { GateArgs } from "./args.ts";
import type { Bundle } from "./bundle.ts";
import { bundleConfigMap } from "./config-maps.ts";
import { environment, observerArguments, observerDeployment } from "./deployment.ts";
import { eventSinkFiles } from "./event-sink.ts";
import { rollOutTimeouts } from "./judge.ts";
import { memoryLimit } from "./memory.ts";
import { CALLER_SERVICE_ACCOUNT, commonLabels, OBSERVER_SERVICE } from "./names.ts";
import { networkPolicy } from "./network-policy.ts";
import type { Placement } from "./placement.ts";
import { callerRules, identity, observerRules } from "./rbac.ts";
import { serviceOf } from "./service.ts";
import type { GateSettings } from "./settings.ts";
import { metadata, nodeArguments, type Shared } from "./shared.ts";
import { podVolumes } from "./volumes.ts";

/** What the observer is deployed with. */
export interface ObserverInputs {
  /** Absent when it is in the image. */
  readonly bundle: Bundle | undefined;
  /** The registration of the gate, after which it changes: what it compares with must be what is in force. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * Deploys the observer, with a service account of its own and that as which it is asked. Down, it changes no verdict.
 */
export function deployObserver(
  place: Placement,
  args: GateArgs,
  settings: GateSettings,
  shared: Shared,
  inputs: ObserverInputs,
): void {
  const name = `${place.name}-observer`;
  const { account, binding } = identity(
    place,
    "observer",
    observerAccount(settings.serviceAccount),
    observerRules(settings),
    args.serviceAccountAnnotations,
  );
  const lease = leaseRole(place, name, account.metadata.name);
  const caller = identity(place, "caller", CALLER_SERVICE_ACCOUNT, callerRules());
  const bundle = inputs.bundle && bundleConfigMap(place, inputs.bundle);
  const network = new NetworkPolicy(
    name,
    { metadata: metadata(place), spec: networkPolicy("observer", settings) },
    place.options,
  );
  const deployment = new Deployment(
    name,
    {
      metadata: metadata(place),
      spec: observerDeployment(args, settings, {
        memory: memoryLimit(place.name, "observerResources.memory", settings.resources.observer.memory),
        serviceAccount: account.metadata.name,
        priorityClass: shared.priorityClass,
        nodeArguments: nodeArguments(
          "observer",
          settings,
          shared,
          inputs.bundle,
          observerArguments(settings),
        ),
        environment: environment(args),
        volumes: podVolumes(args, { ...shared, bundle, sink: eventSinkFiles(place, args.eventSink) }),
        annotations: shared.annotations,
      }),
    },
    {
      ...place.options,
      dependsOn: [...inputs.after, binding, caller.binding, lease, network],
      customTimeouts: rollOutTimeouts(1),
    },
  );
  void new Service(
    name,
    { metadata: { ...metadata(place), name: OBSERVER_SERVICE }, spec: serviceOf("observer") },
    { ...place.options, dependsOn: [deployment] },
  );
}

/** Lets the observer hold its Lease, in the gate's namespace alone. */
function leaseRole(place: Placement, name: string, account: pulumi.Input<string>): RoleBinding {
  const role = new Role(
    name,
    {
      metadata: metadata(place),
      rules: [
        { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
        {
          apiGroups: ["coordination.k8s.io"],
          resources: ["leases"],
          resourceNames: [OBSERVER_SERVICE],
          verbs: ["get", "update"],
        },
      ],
    },
    place.options,
  );
  return new RoleBinding(
    name,
    {
      metadata: { namespace: place.namespace, labels: { ...commonLabels } },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: place.namespace }],
    },
    place.options,
  );
}
