import * as pulumi from "@pulumi/pulumi";
import { canonicalJson, gateConfigSchema, problemsOf, sha256Hex, type GateConfig } from "@gatehouse/policy";
import type { GateArgs } from "./args.ts";
import { inputError } from "./errors.ts";
import { eventSinkConfig } from "./event-sink.ts";
import { LARGEST_OBJECT } from "./limits.ts";
import { SERVICE_NAME } from "./names.ts";
import type { GateSettings } from "./settings.ts";

/** A text that goes into the cluster, and what the loader checks it by. */
export interface Hashed {
  readonly text: string;
  /** SHA-256 of the text, as 64 hexadecimal digits. */
  readonly sha256: string;
}

/** The policy as the judge reads it. */
export function policyText(settings: GateSettings): Hashed {
  const text = canonicalJson(settings.policy, "policy");
  return { text, sha256: sha256Hex(text) };
}

/**
 * All else that the judge is told, checked by the schema that it reads it with. Facts of the cluster and sources may be
 * Outputs of what the same program creates, so this is one too.
 */
export function configText(
  gate: string,
  args: GateArgs,
  settings: GateSettings,
  policyHash: string,
): pulumi.Output<Hashed> {
  const sink = args.eventSink && eventSinkConfig(gate, args.eventSink);
  return pulumi
    .output([args.cluster, args.sources ?? [], sink] as const)
    .apply(([cluster, sources, eventSink]) => {
      const config = withoutUndefined({
        version: 1,
        cluster,
        mode: settings.mode,
        policyHash,
        platforms: settings.platforms,
        sources,
        exploitFeed: args.exploitFeed,
        combine: settings.combine,
        pin: settings.pin,
        running: settings.running,
        excludedNamespaces: settings.excludedNamespaces,
        eventSink,
        clusterState: args.clusterState,
        gate: {
          namespace: settings.namespace,
          serviceAccount: settings.serviceAccount,
          service: SERVICE_NAME,
        },
      });
      const parsed = gateConfigSchema.safeParse(config);
      if (!parsed.success) throw inputError(gate, problemsOf(parsed.error, config));
      return hashed(gate, parsed.data);
    });
}

function hashed(gate: string, config: GateConfig): Hashed {
  const text = canonicalJson(config, "config");
  const size = Buffer.byteLength(text);
  if (size > LARGEST_OBJECT)
    throw inputError(gate, [
      {
        path: "running",
        problem: `expected at most ${LARGEST_OBJECT} bytes of config, which is what a ConfigMap holds, got ${size}; write \`running\` anew, so that digests that run no more leave it`,
      },
    ]);
  return { text, sha256: sha256Hex(text) };
}

/** Without the fields that are undefined: schemas tell an absent field from one that is there and undefined. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [key, withoutUndefined(inner)]),
  );
}
