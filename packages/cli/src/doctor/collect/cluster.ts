import { createServiceCaller, resources, type AccessAttributes, type Kube } from "@gatehouse/kube";
import { observerAccount, observerNames, observerService, type GateConfig } from "@gatehouse/policy";
import { known, type ClusterFacts, type Known, type Sample } from "../facts.ts";
import { gateNames } from "../names.ts";
import { tryOut } from "./dry-run.ts";
import { readAuthorities, readConfig, readDeployments, readPods } from "./gate-objects.ts";
import type { Heard } from "./heard.ts";
import { readRegistration } from "./registration.ts";
import { readSamples } from "./samples.ts";
import { readSourceScans } from "./source-scans.ts";
import { readVitals } from "./vitals.ts";

/** Which gate is looked at, and as whom. */
export interface CollectOptions {
  /** Over a transport that {@link Heard} listens to. */
  kube: Kube;
  /** Clocks and warnings in the headers of the answers, which the client leaves out. */
  heard: Pick<Heard, "ahead" | "takeWarnings">;
  /** The gate's namespace. */
  namespace: string;
  /** Where a Pod is tried out. */
  probeNamespace: string;
  /** The service account that asks the observer. @default the gate's own caller */
  as?: { namespace: string; name: string } | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
}

type Asked = readonly [part: "judge" | "observer", what: string, attributes: AccessAttributes];

/** What the gate's service accounts cannot do without; more is in their roles, from which these are samples. */
const gateNeeds: readonly Asked[] = [
  ["judge", "get namespaces", { verb: "get", resource: "namespaces" }],
  ["judge", "get deployments.apps", { verb: "get", group: "apps", resource: "deployments" }],
  ["observer", "list pods", { verb: "list", resource: "pods" }],
  [
    "observer",
    "create tokenreviews.authentication.k8s.io",
    { verb: "create", group: "authentication.k8s.io", resource: "tokenreviews" },
  ],
];
/** Needed only by a gate that was not told its platforms. */
const nodeNeeds: readonly Asked[] = [["judge", "list nodes", { verb: "list", resource: "nodes" }]];

/** Learns all that the checks ask for. Each question may fail by itself: its failure is a fact then. */
export async function collectCluster({
  kube,
  heard,
  namespace,
  probeNamespace,
  as,
  now,
}: CollectOptions): Promise<ClusterFacts> {
  const version = await known(async () => await kube.serverVersion());
  const apiServer = ahead(version, heard);
  const healthy = await known(async () => await healthOf(kube, namespace));
  // The API server hands the judge's own headers on.
  const judgeClock = ahead(healthy, heard);
  const config = await known(async () => await readConfig(kube, namespace));
  const dryRun = await known(async () => await tryOut(kube, probeNamespace, () => heard.takeWarnings()));
  const [
    policies,
    rights,
    validating,
    pinning,
    deployments,
    pods,
    authorities,
    judge,
    observer,
    vitals,
    scans,
  ] = await Promise.all([
    known(async () => {
      await kube.list(resources.validatingPolicies, { limit: 1, metadataOnly: true });
      return true;
    }),
    rightsOf(kube, namespace, config),
    known(async () => await readRegistration(kube, "validatingWebhooks", gateNames.validating)),
    known(async () => await readRegistration(kube, "mutatingWebhooks", gateNames.pinning)),
    known(async () => await readDeployments(kube, namespace)),
    known(async () => await readPods(kube, namespace)),
    known(async () => await readAuthorities(kube, namespace)),
    known(async () => await metricsOf(kube, namespace, gateNames.service)),
    known(async () => await metricsOf(kube, namespace, observerNames.service)),
    known(async () => await readVitals(kube, namespace)),
    known(
      async () =>
        await readSourceScans(
          createServiceCaller(kube, {
            ...observerService(namespace),
            ...(as === undefined ? {} : { accountNamespace: as.namespace, serviceAccount: as.name }),
          }),
        ),
    ),
  ]);
  return {
    namespace,
    now: now(),
    ahead: { apiServer, judge: judgeClock },
    version,
    policies: "why" in policies && /not-found/.test(policies.why) ? { value: false } : policies,
    rights,
    validating,
    pinning,
    deployments,
    pods,
    authorities,
    config,
    dryRun,
    judgeMetrics: judge,
    observerMetrics: observer,
    vitals,
    scans,
  };
}

function ahead(answer: Known<unknown>, heard: Pick<Heard, "ahead">): Known<number> {
  if ("why" in answer) return answer;
  const value = heard.ahead();
  return value === undefined ? { why: "its answer had no Date" } : { value };
}

async function healthOf(kube: Kube, namespace: string): Promise<void> {
  const target = { scheme: "https", service: gateNames.service, port: "https" } as const;
  const { status } = await kube.serviceProxy(namespace, target, "/healthz");
  if (status !== 200) throw new Error(`answered ${status} to /healthz`);
}

/** Where a NetworkPolicy keeps the API server out of the metrics' port, they cannot be had this way. */
async function metricsOf(kube: Kube, namespace: string, service: string): Promise<Sample[]> {
  const target = { scheme: "https", service, port: "metrics" } as const;
  const { status, text } = await kube.serviceProxy(namespace, target, "/metrics");
  if (status !== 200) throw new Error(`answered ${status} to /metrics`);
  return readSamples(text);
}

async function rightsOf(
  kube: Kube,
  namespace: string,
  config: Known<GateConfig>,
): Promise<ClusterFacts["rights"]> {
  const told = "value" in config ? config.value : undefined;
  const account = told?.gate.serviceAccount ?? gateNames.serviceAccount;
  const names = { judge: account, observer: observerAccount(account) };
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
  const needs = told === undefined || told.platforms === "nodes" ? [...gateNeeds, ...nodeNeeds] : gateNeeds;
  return await Promise.all(
    needs.map(async ([part, what, attributes]) => {
      const user = `system:serviceaccount:${namespace}:${names[part]}`;
      const asked = async () => (await kube.subjectAccessReview({ user, groups, attributes })).allowed;
      return { who: user, what, allowed: await known(asked) };
    }),
  );
}
