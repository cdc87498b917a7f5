import * as pulumi from "@pulumi/pulumi";
import type { input as k8s } from "@pulumi/kubernetes/types/index.js";
import type { GateArgs } from "./args.ts";
import { heapFlags } from "./memory.ts";
import { commonLabels, OBSERVER_SERVICE, selectorLabels, type Part } from "./names.ts";
import { METRICS_PORT } from "./network-policy.ts";
import { podPaths } from "./pod-paths.ts";
import type { GateSettings } from "./settings.ts";

/** Seconds for a replica to be forgotten by API servers, to answer what is under way and to write its events. */
const GRACE_SECONDS = 45;
/** Seconds without progress after which a roll-out has failed. */
export const PROGRESS_DEADLINE_SECONDS = 120;
/** The image's user, who is not root. */
const USER = 65_532;

/** What the Pods of one part are made of, beside the arguments. */
export interface PodParts {
  readonly part: Part;
  /** A quantity, already checked. */
  readonly memory: pulumi.Output<string>;
  readonly serviceAccount: pulumi.Input<string>;
  readonly priorityClass: pulumi.Input<string>;
  /** Arguments of `node`. */
  readonly nodeArguments: pulumi.Input<string[]>;
  readonly volumes: readonly Mounted[];
  readonly environment: readonly k8s.core.v1.EnvVar[];
  readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
}

/** A volume and where the container sees it. */
export interface Mounted {
  readonly volume: k8s.core.v1.Volume;
  readonly path: string;
  readonly writable?: boolean;
}

/** The judge's Deployment. */
export function judgeDeployment(
  args: GateArgs,
  settings: GateSettings,
  parts: Omit<PodParts, "part">,
): k8s.apps.v1.DeploymentSpec {
  return {
    replicas: settings.replicas,
    // Never below the wanted number, and long enough ready to be sure that it stays up.
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    minReadySeconds: 5,
    progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
    revisionHistoryLimit: 2,
    ...podsOf(args, settings, { ...parts, part: "judge" }),
  };
}

/** The observer's Deployment: one at work. The next one becomes ready when this one has given up its Lease. */
export function observerDeployment(
  args: GateArgs,
  settings: GateSettings,
  parts: Omit<PodParts, "part">,
): k8s.apps.v1.DeploymentSpec {
  return {
    replicas: 1,
    strategy: { type: "Recreate" },
    progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
    revisionHistoryLimit: 2,
    ...podsOf(args, settings, { ...parts, part: "observer" }),
  };
}

/** Selector and template of one part's Pods. */
function podsOf(
  args: GateArgs,
  settings: GateSettings,
  parts: PodParts,
): Pick<k8s.apps.v1.DeploymentSpec, "selector" | "template"> {
  const labels = selectorLabels(parts.part);
  return {
    selector: { matchLabels: labels },
    template: {
      metadata: {
        labels: { ...commonLabels, ...args.podLabels, ...labels },
        annotations: { ...parts.annotations },
      },
      spec: {
        serviceAccountName: parts.serviceAccount,
        automountServiceAccountToken: true,
        priorityClassName: parts.priorityClass,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: GRACE_SECONDS,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: USER,
          runAsGroup: USER,
          fsGroup: USER,
          seccompProfile: { type: "RuntimeDefault" },
        },
        ...(args.imagePullSecrets === undefined
          ? {}
          : { imagePullSecrets: args.imagePullSecrets.map((name) => ({ name })) }),
        ...(args.tolerations === undefined ? {} : { tolerations: args.tolerations }),
        topologySpreadConstraints: ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(
          (topologyKey) => ({
            topologyKey,
            maxSkew: 1,
            // A cluster of one node must be able to run a gate.
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: labels },
            matchLabelKeys: ["pod-template-hash"],
          }),
        ),
        containers: [container(settings, parts)],
        volumes: parts.volumes.map(({ volume }) => volume),
      },
    },
  };
}

function container(settings: GateSettings, parts: PodParts): k8s.core.v1.Container {
  const { memory } = parts;
  const { cpu } = settings.resources[parts.part];
  const probe = (path: string) => ({ httpGet: { path, port: "https", scheme: "HTTPS" }, timeoutSeconds: 3 });
  return {
    name: parts.part,
    image: settings.image.reference,
    command: memory.apply((limit) => [settings.image.node, ...heapFlags(limit)]),
    args: parts.nodeArguments,
    env: [...parts.environment],
    ports: [
      { name: "https", containerPort: settings.targetPort },
      { name: "metrics", containerPort: METRICS_PORT },
    ],
    // No limit of CPU: throttling would answer late just when many Pods start.
    resources: { requests: { cpu, memory }, limits: { memory } },
    startupProbe: { ...probe("/healthz"), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...probe("/healthz"), periodSeconds: 10, failureThreshold: 6 },
    readinessProbe: { ...probe("/readyz"), periodSeconds: 2, failureThreshold: 2 },
    // Carries what the gate says of a policy that it refuses into `pulumi up`.
    terminationMessagePolicy: "FallbackToLogsOnError",
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: parts.volumes.map(({ volume, path, writable }) => ({
      name: volume.name,
      mountPath: path,
      readOnly: writable !== true,
    })),
  };
}

/** What both parts are told: where things are. */
function sharedArguments(settings: GateSettings): string[] {
  return [
    `--config=${podPaths.config}/config.json`,
    `--policy=${podPaths.policy}/policy.json`,
    `--ca=${podPaths.ca}/${settings.caGenerations[0]}`,
    `--emergency-dir=${podPaths.emergency}`,
    `--listen=[::]:${settings.targetPort}`,
    `--metrics-listen=[::]:${METRICS_PORT}`,
  ];
}

/** The judge's arguments; with an observer, where its events go. */
export function judgeArguments(settings: GateSettings, withObserver: boolean): string[] {
  return [
    ...sharedArguments(settings),
    `--secret-file=${podPaths.webhook}/path`,
    ...(withObserver
      ? [
          `--observer=https://${OBSERVER_SERVICE}.${settings.namespace}.svc/v1/events`,
          `--observer-ca=${podPaths.ca}/${settings.caGenerations[0]}/tls.crt`,
          `--observer-token=${podPaths.caller}/token`,
        ]
      : []),
  ];
}

/** The observer's arguments. */
export function observerArguments(settings: GateSettings): string[] {
  return sharedArguments(settings);
}

/** The environment of both parts: the Pod's name, and how to reach the outside. */
export function environment(args: GateArgs): k8s.core.v1.EnvVar[] {
  return [
    { name: "NODE_ENV", value: "production" },
    { name: "GATEHOUSE_INSTANCE", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ...(args.caBundle === undefined
      ? []
      : [{ name: "NODE_EXTRA_CA_CERTS", value: `${podPaths.trust}/ca.crt` }]),
    ...(args.proxy === undefined
      ? []
      : [
          { name: "NODE_USE_ENV_PROXY", value: "1" },
          { name: "HTTPS_PROXY", value: args.proxy.https },
          { name: "NO_PROXY", value: noProxy(args.proxy.except ?? []) },
        ]),
  ];
}

/** Hosts that are never reached through the proxy: the cluster's own, and the clouds' metadata addresses. */
function noProxy(except: pulumi.Input<string>[]): pulumi.Output<string> {
  return pulumi
    .all([
      "localhost,127.0.0.1,::1,169.254.169.254,metadata.google.internal,kubernetes.default.svc,.svc,.cluster.local",
      // The API server's address, which clients in the cluster use.
      "$(KUBERNETES_SERVICE_HOST)",
      ...except,
    ])
    .apply((hosts) => hosts.join(","));
}
