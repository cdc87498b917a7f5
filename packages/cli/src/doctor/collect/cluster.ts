import { createServiceCaller, resources, type AccessAttributes, type Kube } from "@gatehouse/kube";
import { observerNames, observerService } from "@gatehouse/policy";
import { known, type ClusterFacts, type Known, type Sample } from "../facts.ts";
import { gateNames } from "../names.ts";
import { tryOut } from "./dry-run.ts";
import { readAuthorities, readConfig, readDeployments, readPods } from "./gate-objects.ts";
import type { Heard } from "./heard.ts";
import { readRegistration } from "./registration.ts";
import { readSamples } from "./samples.ts";
import { readSourceScans } from "./source-scans.ts";
import { readVitals } from "./vitals.ts";

export interface CollectOptions {
  /** Over a transport that {@link Heard} listens to. */
  kube: Kube;
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

type Asked = readonly [what: string, attributes: AccessAttributes];

/** What the gate's service account cannot do without; more is in its role, from which these are samples. */
const gateNeeds: readonly Asked[] = [
  ["get namespaces", { verb: "get", resource: "namespaces" }],
  ["list nodes", { verb: "list", resource: "nodes" }],
  ["get deployments.apps", { verb: "get", group: "apps", resource: "deployments" }],
  ["list pods", { verb: "list", resource: "pods" }],
  [
    "create tokenreviews.authentication.k8s.io",
    { verb: "create", group: "authentication.k8s.io", resource: "tokenreviews" },
  ],
];

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
  const judge = await known(async () => await metricsOf(kube, namespace, gateNames.service));
  // The API server hands the judge's own headers on.
  const judgeClock = ahead(judge, heard);
  const config = await known(async () => await readConfig(kube, namespace));
  const account = "value" in config ? config.value.gate.serviceAccount : gateNames.serviceAccount;
  const dryRun = await known(async () => await tryOut(kube, probeNamespace, () => heard.takeWarnings()));
  const [policies, rights, validating, pinning, deployments, pods, authorities, observer, vitals, scans] =
    await Promise.all([
      known(async () => {
        await kube.list(resources.validatingPolicies, { limit: 1, metadataOnly: true });
        return true;
      }),
      rightsOf(kube, namespace, account),
      known(async () => await readRegistration(kube, "validatingWebhooks", gateNames.validating)),
      known(async () => await readRegistration(kube, "mutatingWebhooks", gateNames.pinning)),
      known(async () => await readDeployments(kube, namespace)),
      known(async () => await readPods(kube, namespace)),
      known(async () => await readAuthorities(kube, namespace)),
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

async function metricsOf(kube: Kube, namespace: string, service: string): Promise<Sample[]> {
  const target = { scheme: "https", service, port: "https" } as const;
  const { status, text } = await kube.serviceProxy(namespace, target, "/metrics");
  if (status !== 200) throw new Error(`answered ${status} to /metrics`);
  return readSamples(text);
}

async function rightsOf(kube: Kube, namespace: string, account: string): Promise<ClusterFacts["rights"]> {
  const user = `system:serviceaccount:${namespace}:${account}`;
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
  return await Promise.all(
    gateNeeds.map(async ([what, attributes]) => ({
      who: user,
      what,
      allowed: await known(
        async () => (await kube.subjectAccessReview({ user, groups, attributes })).allowed,
      ),
    })),
  );
}
