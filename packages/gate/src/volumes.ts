import type * as pulumi from "@pulumi/pulumi";
import type { input as k8s } from "@pulumi/kubernetes/types/index.js";
import type { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import type { GateArgs } from "./args.ts";
import type { Authority, WebhookSecret } from "./certificates.ts";
import type { Mounted } from "./deployment.ts";
import type { EventSinkFiles } from "./event-sink.ts";
import type { MountedFolder } from "./files.ts";
import { CALLER_AUDIENCE, EMERGENCY_NAME } from "./names.ts";
import { filesDirectory, podPaths } from "./pod-paths.ts";

/** Readable by the gate's group and nobody else, as Kubernetes counts modes: in decimal, 0440. */
const PRIVATE = 0o440;
/** Readable by all, 0444: scan reports are no secret. */
const READABLE = 0o444;
/** Seconds that a projected token lasts; the kubelet renews it at four fifths. */
const TOKEN_SECONDS = 3600;

/** What the Pods of a part mount. */
export interface VolumeParts {
  /** Absent when the bundle is in the image. */
  readonly bundle: ConfigMap | undefined;
  readonly policy: ConfigMap;
  readonly config: ConfigMap;
  readonly authorities: readonly Authority[];
  /** The judge's alone. */
  readonly webhook?: WebhookSecret;
  /** Whether a token for the observer is among it. */
  readonly caller?: boolean;
  /** The observer's alone. */
  readonly sink?: EventSinkFiles;
  readonly folders: readonly MountedFolder[];
  readonly trust: ConfigMap | undefined;
}

/** The volumes of a part. */
export function podVolumes(args: GateArgs, parts: VolumeParts): Mounted[] {
  return [
    ...(parts.bundle === undefined ? [] : [configMap("bundle", parts.bundle, podPaths.bundle)]),
    configMap("policy", parts.policy, podPaths.policy),
    configMap("config", parts.config, podPaths.config),
    signerVolume(parts.authorities),
    ...(parts.webhook === undefined ? [] : [webhookVolume(parts.webhook)]),
    ...(parts.caller === true ? [tokenVolume("caller", podPaths.caller, { token: CALLER_AUDIENCE })] : []),
    emergencyVolume(),
    ...(Object.keys(args.tokenAudiences ?? {}).length === 0
      ? []
      : [tokenVolume("tokens", podPaths.tokens, args.tokenAudiences ?? {})]),
    ...parts.folders.map(folderVolume),
    ...sinkVolume(parts.sink),
    ...(parts.trust === undefined ? [] : [configMap("trust", parts.trust, podPaths.trust)]),
    {
      volume: { name: "scratch", emptyDir: { sizeLimit: "64Mi" } },
      path: podPaths.scratch,
      writable: true,
    },
  ];
}

/** The signer's certificate and key alone: a replica has no use for those of the others. */
function signerVolume([signer]: readonly Authority[]): Mounted {
  if (signer === undefined) return projected("ca", podPaths.ca, []);
  const items = ["tls.crt", "tls.key"].map((key) => ({ key, path: `${signer.generation}/${key}` }));
  return projected("ca", podPaths.ca, [{ secret: { name: signer.secret.metadata.name, items } }]);
}

/** The secret segment of the webhook's URL. */
function webhookVolume({ secret }: WebhookSecret): Mounted {
  return {
    volume: { name: "webhook", secret: { secretName: secret.metadata.name, defaultMode: PRIVATE } },
    path: podPaths.webhook,
  };
}

/** Tokens of the Pod's service account, as file name → audience. */
function tokenVolume(
  name: string,
  path: string,
  audiences: Readonly<Record<string, pulumi.Input<string>>>,
): Mounted {
  return projected(
    name,
    path,
    Object.entries(audiences).map(([file, audience]) => ({
      serviceAccountToken: { path: file, audience, expirationSeconds: TOKEN_SECONDS },
    })),
  );
}

/** Break-glass. Optional: a gate must start when somebody has deleted it. */
function emergencyVolume(): Mounted {
  return {
    volume: { name: "emergency", configMap: { name: EMERGENCY_NAME, optional: true } },
    path: podPaths.emergency,
  };
}

/** A folder of `files`, whatever number of ConfigMaps it takes. */
function folderVolume({ folder, maps }: MountedFolder): Mounted {
  return projected(
    `files-${folder}`,
    filesDirectory(folder),
    maps.map((map) => ({ configMap: { name: map.metadata.name } })),
    READABLE,
  );
}

/** What the event sink asks for, in one folder; nothing where it asks for nothing. */
function sinkVolume({ headers, ca }: Partial<EventSinkFiles> = {}): Mounted[] {
  const sources = [
    ...(headers === undefined ? [] : [{ secret: { name: headers.metadata.name } }]),
    ...(ca === undefined ? [] : [{ configMap: { name: ca.metadata.name } }]),
  ];
  return sources.length === 0 ? [] : [projected("sink", podPaths.sink, sources)];
}

function configMap(name: string, map: ConfigMap, path: string): Mounted {
  return { volume: { name, configMap: { name: map.metadata.name } }, path };
}

function projected(
  name: string,
  path: string,
  sources: k8s.core.v1.VolumeProjection[],
  defaultMode: number = PRIVATE,
): Mounted {
  return { volume: { name, projected: { defaultMode, sources } }, path };
}
