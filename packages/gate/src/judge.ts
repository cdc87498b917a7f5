import type * as pulumi from "@pulumi/pulumi";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { PriorityClass } from "@pulumi/kubernetes/scheduling/v1/priorityClass.js";
import type { GateArgs } from "./args.ts";
import type { Bundle } from "./bundle.ts";
import type { Authority, WebhookSecret } from "./certificates.ts";
import { bundleConfigMap, configConfigMap, emergencyConfigMap, policyConfigMap } from "./config-maps.ts";
import type { Hashed } from "./config.ts";
import {
  PROGRESS_DEADLINE_SECONDS,
  judgeArguments,
  judgeDeployment,
  judgeEnvironment,
} from "./deployment.ts";
import { folders } from "./files.ts";
import { guarded } from "./guard/hook.ts";
import { loaderArguments } from "./loader.ts";
import { annotations, commonLabels, SERVICE_NAME } from "./names.ts";
import { judgeNetworkPolicy } from "./network-policy.ts";
import type { Placement } from "./placement.ts";
import { podPaths } from "./pod-paths.ts";
import { identity, judgeRules } from "./rbac.ts";
import { judgeDisruptionBudget, judgeService } from "./service.ts";
import type { GateSettings } from "./settings.ts";
import { judgeVolumes } from "./volumes.ts";

/**
 * The highest priority that is not the system's own (`HighestUserDefinablePriority` of k8s.io/kubernetes): a gate
 * that fails closed must be there before what it is to admit, and never push out what a node needs.
 */
const PRIORITY = 1_000_000_000;

/** What the judge is deployed with. */
export interface JudgeInputs {
  /** Absent when it is in the image. */
  readonly bundle: Bundle | undefined;
  readonly policy: Hashed;
  readonly config: pulumi.Output<Hashed>;
  readonly authorities: readonly Authority[];
  readonly webhook: WebhookSecret;
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

/** Deploys the judge: who it is, what it is given, its Pods, and what keeps them running. */
export function deployJudge(
  place: Placement,
  args: GateArgs,
  settings: GateSettings,
  inputs: JudgeInputs,
): DeployedJudge {
  const name = `${place.name}-judge`;
  const { account, binding } = identity(
    place,
    "judge",
    settings.serviceAccount,
    judgeRules(),
    args.serviceAccountAnnotations,
  );
  const priority = new PriorityClass(
    `${place.name}-priority`,
    {
      metadata: { labels: { ...commonLabels } },
      value: PRIORITY,
      description: "The gate that admits all other Pods",
    },
    place.options,
  );
  const bundle = inputs.bundle && bundleConfigMap(place, inputs.bundle);
  const policy = policyConfigMap(place, inputs.policy);
  const config = configConfigMap(place, inputs.config);
  const emergency = emergencyConfigMap(place);
  const mounted = folders(place, settings.files);
  const trust =
    args.caBundle === undefined
      ? undefined
      : new ConfigMap(
          `${place.name}-trust`,
          {
            metadata: { namespace: place.namespace, labels: { ...commonLabels } },
            immutable: true,
            data: { "ca.crt": args.caBundle },
          },
          place.options,
        );
  const guards = [
    new NetworkPolicy(name, { metadata: metadata(place), spec: judgeNetworkPolicy(settings) }, place.options),
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
        serviceAccount: account.metadata.name,
        priorityClass: priority.metadata.name,
        nodeArguments: nodeArguments(settings, inputs),
        environment: judgeEnvironment(args),
        volumes: judgeVolumes(args, {
          bundle,
          policy,
          config,
          authorities: inputs.authorities,
          webhook: inputs.webhook,
          folders: mounted,
          trust,
        }),
        annotations: { [annotations.policyHash]: inputs.policy.sha256, [annotations.mode]: settings.mode },
      }),
    },
    guarded(
      {
        ...place.options,
        dependsOn: [...inputs.before, binding, emergency, ...guards],
        customTimeouts: rollOutTimeouts(settings),
        ...(inputs.failure === undefined ? {} : { hooks: { onError: [inputs.failure] } }),
      },
      inputs.hook,
    ),
  );
  const service = new Service(
    name,
    { metadata: { ...metadata(place), name: SERVICE_NAME }, spec: judgeService() },
    { ...place.options, dependsOn: [deployment] },
  );
  return { service, ready: [binding, emergency, ...guards, deployment, service] };
}

/**
 * How long a roll-out may take: Pulumi waits that long also when Kubernetes has said that it makes no progress. Each
 * replica comes after the other.
 */
function rollOutTimeouts({ replicas }: GateSettings): pulumi.CustomTimeouts {
  const wait = `${PROGRESS_DEADLINE_SECONDS + 30 * replicas}s`;
  return { create: wait, update: wait };
}

function metadata(place: Placement) {
  return { namespace: place.namespace, labels: { ...commonLabels } };
}

/** What `node` is told: to check everything, then to start the bundle. */
function nodeArguments(settings: GateSettings, inputs: JudgeInputs): pulumi.Output<string[]> {
  const bundle = inputs.bundle;
  return inputs.config.apply((config) => {
    const files = [
      { what: "the policy", path: `${podPaths.policy}/policy.json`, sha256: inputs.policy.sha256 },
      { what: "the config", path: `${podPaths.config}/config.json`, sha256: config.sha256 },
    ];
    const plan =
      bundle === undefined
        ? { files, module: `${settings.image.bundles}/judge.mjs` }
        : {
            bundle: {
              what: "the gate's program",
              path: `${podPaths.bundle}/judge.mjs.br`,
              sha256: bundle.sha256,
            },
            files,
            module: `${podPaths.scratch}/gatehouse/judge.mjs`,
          };
    return loaderArguments(plan, judgeArguments(settings));
  });
}
