import type * as pulumi from "@pulumi/pulumi";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import type { GateArgs } from "./args.ts";
import type { Bundle } from "./bundle.ts";
import type { WebhookSecret } from "./certificates.ts";
import { bundleConfigMap } from "./config-maps.ts";
import { PROGRESS_DEADLINE_SECONDS, environment, judgeArguments, judgeDeployment } from "./deployment.ts";
import { guarded } from "./guard/hook.ts";
import { memoryLimit } from "./memory.ts";
import { SERVICE_NAME } from "./names.ts";
import { networkPolicy } from "./network-policy.ts";
import type { Placement } from "./placement.ts";
import type { Identity } from "./rbac.ts";
import { judgeDisruptionBudget, serviceOf } from "./service.ts";
import type { GateSettings } from "./settings.ts";
import { metadata, nodeArguments, type Shared } from "./shared.ts";
import { podVolumes } from "./volumes.ts";

/** What the judge is deployed with. */
export interface JudgeInputs {
  readonly identity: Identity;
  /** Absent when it is in the image. */
  readonly bundle: Bundle | undefined;
  readonly webhook: WebhookSecret;
  /** Whether there is an observer to post events to. */
  readonly withObserver: boolean;
  /** What must be there before its Pods. */
  readonly before: readonly pulumi.Resource[];
  /** Guards the Deployment too, so that `--target` does not lead around it. */
  readonly hook: pulumi.ResourceHook | undefined;
  /** Says why a roll-out failed. */
  readonly failure: pulumi.ErrorHook | undefined;
}

/** The deployed judge. */
export interface DeployedJudge {
  readonly service: Service;
  /** Everything that must be there before an API server may call it. */
  readonly ready: readonly pulumi.Resource[];
}

/** Deploys the judge: its Pods, and what keeps them running. */
export function deployJudge(
  place: Placement,
  args: GateArgs,
  settings: GateSettings,
  shared: Shared,
  inputs: JudgeInputs,
): DeployedJudge {
  const name = `${place.name}-judge`;
  const { account, binding } = inputs.identity;
  const bundle = inputs.bundle && bundleConfigMap(place, inputs.bundle);
  const guards = [
    new NetworkPolicy(
      name,
      { metadata: metadata(place), spec: networkPolicy("judge", settings) },
      place.options,
    ),
    new PodDisruptionBudget(
      name,
      { metadata: metadata(place), spec: judgeDisruptionBudget() },
      place.options,
    ),
  ];
  const deployment = new Deployment(
    name,
    {
      metadata: metadata(place),
      spec: judgeDeployment(args, settings, {
        memory: memoryLimit(place.name, "resources.memory", settings.resources.judge.memory),
        serviceAccount: account.metadata.name,
        priorityClass: shared.priorityClass,
        nodeArguments: nodeArguments(
          "judge",
          settings,
          shared,
          inputs.bundle,
          judgeArguments(settings, inputs.withObserver),
        ),
        environment: environment(args),
        volumes: podVolumes(args, {
          ...shared,
          bundle,
          webhook: inputs.webhook,
          caller: inputs.withObserver,
        }),
        annotations: shared.annotations,
      }),
    },
    guarded(
      {
        ...place.options,
        dependsOn: [...inputs.before, binding, shared.emergency, ...guards],
        customTimeouts: rollOutTimeouts(settings.replicas),
        ...(inputs.failure === undefined ? {} : { hooks: { onError: [inputs.failure] } }),
      },
      inputs.hook,
    ),
  );
  const service = new Service(
    name,
    { metadata: { ...metadata(place), name: SERVICE_NAME }, spec: serviceOf("judge") },
    { ...place.options, dependsOn: [deployment] },
  );
  return { service, ready: [binding, shared.emergency, ...guards, deployment, service] };
}

/**
 * How long a roll-out may take: Pulumi waits that long also when Kubernetes has said that it makes no progress. Each
 * replica comes after the other.
 */
export function rollOutTimeouts(replicas: number): pulumi.CustomTimeouts {
  const wait = `${PROGRESS_DEADLINE_SECONDS + 30 * replicas}s`;
  return { create: wait, update: wait };
}
