/** What is wrong with the arguments that say how the gate runs in its cluster, and who may look at it. */
import { isIP } from "node:net";
import type { Problem } from "@gatehouse/policy";
import { name, oneOf, show } from "./argument-checks.ts";
import type { GateArgs, Resources } from "./args.ts";
import { cpuProblems, memoryProblems } from "./memory.ts";
import { METRICS_PORT } from "./network-policy.ts";
import { isPlain } from "./plain.ts";

/** All of them, as far as they are known. */
export function operationProblems(args: GateArgs): Problem[] {
  return [
    ...(args.targetPort === METRICS_PORT
      ? [{ path: "targetPort", problem: `expected another port than ${METRICS_PORT}, where the metrics are` }]
      : []),
    ...resourceProblems("resources", args.resources),
    ...resourceProblems("observerResources", args.observerResources),
    ...proxyProblems(args.proxy),
    ...metricsProblems(args.metricsFrom),
    ...stateProblems(args.clusterState),
  ];
}

function resourceProblems(path: string, resources: Resources | undefined): Problem[] {
  if (resources === undefined) return [];
  const { cpu, memory } = resources;
  return [
    ...(cpu !== undefined && isPlain(cpu) ? cpuProblems(`${path}.cpu`, cpu) : []),
    ...(memory !== undefined && isPlain(memory) ? memoryProblems(`${path}.memory`, memory) : []),
  ];
}

function proxyProblems(proxy: GateArgs["proxy"]): Problem[] {
  if (proxy === undefined || !isPlain(proxy.https)) return [];
  const { https } = proxy;
  if (typeof https === "string" && URL.canParse(https) && /^https?:\/\//.test(https)) return [];
  return [{ path: "proxy.https", problem: `expected http://HOST:PORT, got ${show(https)}` }];
}

function metricsProblems(readers: GateArgs["metricsFrom"]): Problem[] {
  return (readers ?? []).flatMap((reader: unknown, index) => {
    const path = `metricsFrom.${index}`;
    const { namespace, podLabels, cidr } = (reader ?? {}) as Record<string, unknown>;
    if ((namespace === undefined) === (cidr === undefined))
      return [{ path, problem: `expected either a namespace or a cidr, got ${show(reader)}` }];
    if (cidr !== undefined)
      return isCidr(cidr)
        ? []
        : [
            {
              path: `${path}.cidr`,
              problem: `expected ADDRESS/LENGTH, such as 10.0.0.0/16, got ${show(cidr)}`,
            },
          ];
    // An empty selector would mean all Pods, which leaving it out says too.
    if (
      podLabels !== undefined &&
      (typeof podLabels !== "object" || Object.keys(podLabels ?? {}).length === 0)
    )
      return [{ path: `${path}.podLabels`, problem: `expected at least one label, got ${show(podLabels)}` }];
    return name(`${path}.namespace`, namespace);
  });
}

function isCidr(value: unknown): boolean {
  const [address = "", length = "", ...more] = typeof value === "string" ? value.split("/") : [];
  const family = isIP(address);
  return (
    more.length === 0 && family > 0 && /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128)
  );
}

function stateProblems(state: GateArgs["clusterState"]): Problem[] {
  if (state === undefined) return [];
  return [
    ...(state.reports === undefined || typeof state.reports === "boolean"
      ? []
      : [{ path: "clusterState.reports", problem: `expected true or false, got ${show(state.reports)}` }]),
    ...oneOf("clusterState.events", state.events, ["none", "denied", "all"]),
  ];
}
