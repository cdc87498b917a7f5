import * as pulumi from "@pulumi/pulumi";
import type { input as k8s } from "@pulumi/kubernetes/types/index.js";
import type { GateArgs } from "./args.ts";
import { commonLabels, selectorLabels } from "./names.ts";
import { podPaths } from "./pod-paths.ts";
import type { GateSettings } from "./settings.ts";

/** Seconds for a replica to be forgotten by API servers, to answer what is under way and to write its events. */
const GRACE_SECONDS = 45;
/** Seconds without progress after which a roll-out has failed. */
export const PROGRESS_DEADLINE_SECONDS = 120;
/** The image's user, who is not root. */
const USER = 65_532;

/** What the judge's Deployment is made of, beside the arguments. */
export interface JudgeParts {
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
  parts: JudgeParts,
): k8s.apps.v1.DeploymentSpec {
  const labels = selectorLabels("judge");
  return {
    replicas: settings.replicas,
    // Never below the wanted number, and long enough ready to be sure that it stays up.
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    minReadySeconds: 5,
    progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
    revisionHistoryLimit: 2,
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
        containers: [judgeContainer(args, settings, parts)],
        volumes: parts.volumes.map(({ volume }) => volume),
      },
    },
  };
}

function judgeContainer(args: GateArgs, settings: GateSettings, parts: JudgeParts): k8s.core.v1.Container {
  const memory = args.resources?.memory ?? "384Mi";
  const probe = (path: string) => ({ httpGet: { path, port: "https", scheme: "HTTPS" }, timeoutSeconds: 3 });
  return {
    name: "judge",
    image: settings.image.reference,
    command: [settings.image.node],
    args: parts.nodeArguments,
    env: [...parts.environment],
    ports: [{ name: "https", containerPort: settings.targetPort }],
    // No limit of CPU: throttling would answer late just when many Pods start.
    resources: { requests: { cpu: args.resources?.cpu ?? "100m", memory }, limits: { memory } },
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

/** What the judge is told: where things are. */
export function judgeArguments(settings: GateSettings): string[] {
  return [
    `--config=${podPaths.config}/config.json`,
    `--policy=${podPaths.policy}/policy.json`,
    `--ca=${podPaths.ca}/${settings.caGenerations[0]}`,
    `--secret-file=${podPaths.webhook}/path`,
    `--emergency-dir=${podPaths.emergency}`,
    `--listen=[::]:${settings.targetPort}`,
  ];
}

/** The judge's environment: its name, and how to reach the outside. */
export function judgeEnvironment(args: GateArgs): k8s.core.v1.EnvVar[] {
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
