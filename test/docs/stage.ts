/**
 * What the documentation's command lines run against: the samples of `npm start` as files and as a cluster whose gate
 * judged them, with the real judge and the real observer over an API server in memory.
 */
import { cpSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createFakeApi, listen, serviceAccountUser } from "@gatehouse/kube/testing";
import { policyHash } from "@gatehouse/policy";
import { createLookUp, type LookUp } from "@gatehouse/scans";
import { createAuthority } from "@gatehouse/webhook";
import { parse } from "yaml";
import type { Io } from "../../packages/cli/src/io.ts";
import { run } from "../../packages/cli/src/program.ts";
import { plain } from "../../packages/cli/src/render/style.ts";
import stacksPolicy from "../../stacks/policy.ts";
import { now, review, testApp } from "../../webhook/src/testing/fixtures.ts";
import { observedCluster } from "../../webhook/src/testing/observed-cluster.ts";
import { root } from "../steps.ts";

/** How a command line ended. */
export interface Ran {
  status: number;
  /** Standard output and standard error, as a terminal shows them. */
  output: string;
}

/** A place where command lines run. */
export interface Stage {
  /** Runs `gatehouse ARGS` there. */
  gatehouse(args: readonly string[], input?: string): Promise<Ran>;
  /** What `kubectl apply -f FILE` shows of the gate's answer in mode deny. */
  kubectlApply(file: string): Promise<string>;
  close(): Promise<void>;
}

const epss =
  "#model_version:v2025.03.14,score_date:2026-11-21T00:00:00+0000\ncve,epss,percentile\nCVE-2026-30031,0.9,0.99\n";
const kev = {
  title: "CISA Catalog of Known Exploited Vulnerabilities",
  catalogVersion: "2026.11.20",
  dateReleased: "2026-11-20T15:00:00Z",
  count: 1,
  vulnerabilities: [{ cveID: "CVE-2026-30031" }],
};
const samples = join(root, "packages/cli/src/tour/samples");
const caller = "gatehouse:gatehouse-caller";

/** The objects of the samples. */
function workloads(): Record<string, unknown>[] {
  return readdirSync(join(samples, "workloads"))
    .sort()
    .map((name, index) => {
      const object = parse(readFileSync(join(samples, "workloads", name), "utf8")) as {
        metadata: Record<string, unknown>;
      };
      return { ...object, metadata: { ...object.metadata, uid: `uid-${index}` } };
    });
}

interface Container {
  name: string;
  image: string;
}

/** A Pod that runs the first container of a Deployment of the samples. */
async function running(name: string, lookUp: LookUp): Promise<Record<string, unknown>> {
  const deployment = workloads().find((one) => nameOf(one) === name);
  const { spec, metadata } = deployment as {
    spec: { template: { spec: { containers: Container[]; initContainers?: Container[] } } };
    metadata: { namespace: string; uid: string };
  };
  const { containers, initContainers = [] } = spec.template.spec;
  const statuses = async (all: readonly Container[]) =>
    await Promise.all(
      all.map(async ({ name: container, image }) => {
        const { digest } = await lookUp(image, { platforms: [], signal: AbortSignal.timeout(5000) });
        return { name: container, imageID: `${image.replace(/[:@][^/]*$/, "")}@${digest}` };
      }),
    );
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${name}-1`,
      namespace: metadata.namespace,
      uid: `pod-${name}`,
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "Deployment", name, uid: metadata.uid, controller: true },
      ],
    },
    spec: spec.template.spec,
    status: {
      phase: "Running",
      containerStatuses: await statuses(containers),
      initContainerStatuses: await statuses(initContainers),
    },
  };
}

function nameOf(object: Record<string, unknown>): string {
  return (object as { metadata: { name: string } }).metadata.name;
}

/**
 * Fills an empty folder with what documents name (`stacks/policy.ts`, `k8s/`, `reports/`, …) and opens the stage.
 *
 * @param folder inside the project, so that packages are found from it
 */
export async function openStage(folder: string): Promise<Stage> {
  cpSync(join(samples, "reports"), join(folder, "reports"), { recursive: true });
  cpSync(join(samples, "workloads"), join(folder, "k8s"), { recursive: true });
  cpSync(join(root, "stacks/policy.ts"), join(folder, "stacks/policy.ts"));
  writeFileSync(join(folder, "before.json"), JSON.stringify(stacksPolicy));
  writeFileSync(join(folder, "epss_scores-current.csv.gz"), gzipSync(epss));
  writeFileSync(join(folder, "known_exploited_vulnerabilities.json"), JSON.stringify(kev));
  const look = await createLookUp({
    sources: [{ type: "file", name: "reports", directory: join(folder, "reports") }],
    now: () => now,
  });
  const policy = stacksPolicy;
  const cluster = await observedCluster({
    objects: [...workloads(), await running("search", look.lookUp), await running("web", look.lookUp)],
    policy,
    mode: "audit",
    lookUp: look.lookUp,
    rights: {
      [`system:serviceaccount:${caller}`]: ["create impact *", "get inventory *", "get events *"],
    },
  });
  const judge = testApp({
    config: { cluster: { name: "test" }, mode: "audit", pin: false, policyHash: policyHash(policy) },
    policy: () => policy,
    lookUp: look.lookUp,
  });
  const denying = testApp({
    config: { cluster: { name: "test" }, mode: "deny", pin: false, policyHash: policyHash(policy) },
    policy: () => policy,
    lookUp: look.lookUp,
  });
  for (const object of workloads()) await judge.validate(review(object));
  const told = await cluster.post(
    "/v1/events",
    [...judge.events(), ...judge.reviews()],
    cluster.token("gate:judge"),
    "application/cloudevents-batch+json",
  );
  if (told.status !== 200) throw new Error(await told.text());

  const api = createFakeApi({
    authorize: () => true,
    serviceProxy: async ({ request, service }) => {
      if (new URL(request.url).pathname === "/metrics")
        return new Response(service === "gatehouse" ? leafMetric() : "# none\n");
      // Its token is one of the API server that is asked; the observer knows those of its own.
      const headers = new Headers(request.headers);
      headers.set("x-gatehouse-token", cluster.token(caller));
      return await cluster.app.request(new Request(request, { headers }));
    },
  });
  for (const object of installation(policyHash(policy))) api.put(object as never);
  const server = await listen(api);
  const kubeconfig = join(folder, "kubeconfig");
  const contexts = ["shop-test", "shop-prod"].map((name) => ({
    name,
    context: { cluster: "c", user: "me" },
  }));
  const token = api.token(serviceAccountUser("ops", "me", "u"));
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: "c", cluster: { server: server.url } }],
      contexts,
      users: [{ name: "me", user: { token } }],
      "current-context": "shop-test",
    }),
  );
  const before = process.env["KUBECONFIG"];
  process.env["KUBECONFIG"] = kubeconfig;
  return {
    async gatehouse(args, input = "") {
      let output = "";
      const io: Io = {
        out: (text) => void (output += text),
        note: (line) => void (output += `${line}\n`),
        readInput: () => Promise.resolve(input),
        cwd: folder,
        style: plain,
        // The doctor compares clocks, and the API server in memory tells the real time.
        now: () => (args[0] === "doctor" ? Date.now() : now),
      };
      const status = await run(args, io);
      return { status, output };
    },
    async kubectlApply(file) {
      const object = parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;
      const answer = (await denying.validate(review(object))) as {
        allowed: boolean;
        status?: { message: string };
      };
      if (answer.allowed) return `${kindOf(object)}/${nameOf(object)} created\n`;
      return `Error from server: error when creating "${file}": admission webhook "validate.gatehouse.dev" denied the request: ${answer.status?.message ?? ""}\n`;
    },
    async close() {
      if (before === undefined) delete process.env["KUBECONFIG"];
      else process.env["KUBECONFIG"] = before;
      await server.close();
      await cluster.stop();
      await look.close();
    },
  };
}

function kindOf(object: Record<string, unknown>): string {
  const { apiVersion, kind } = object as { apiVersion: string; kind: string };
  const [group] = apiVersion.includes("/") ? apiVersion.split("/") : [""];
  return `${kind.toLowerCase()}${group === "" ? "" : `.${group ?? ""}`}`;
}

const day = 24 * 60 * 60_000;

function leafMetric(): string {
  return `gatehouse_certificate_expiry_timestamp_seconds{certificate="leaf"} ${(Date.now() + 5 * day) / 1000}\n`;
}

/** What the doctor looks at: a gate that is well, in a cluster whose network lives in a namespace that is judged. */
function installation(hash: string): Record<string, unknown>[] {
  const namespace = "gatehouse";
  const { certificate } = createAuthority({ name: "gatehouse 1", now: Date.now(), lifeMs: 3650 * day });
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const part = (component: string) => ({
    "app.kubernetes.io/name": "gatehouse",
    "app.kubernetes.io/component": component,
    "app.kubernetes.io/part-of": "gatehouse",
  });
  const config = {
    version: 1,
    cluster: { name: "test" },
    mode: "deny",
    policyHash: hash,
    platforms: "nodes",
    sources: [{ type: "file", name: "reports", directory: "/gatehouse/files/reports" }],
    pin: false,
    excludedNamespaces: [namespace, "kube-system"],
    gate: { namespace, serviceAccount: "gatehouse", service: "gatehouse" },
  };
  const deployment = (component: string, replicas: number) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: `gate-${component}`, namespace, labels: part(component) },
    spec: {
      replicas,
      template: {
        metadata: { labels: part(component) },
        spec: { volumes: [{ name: "config", configMap: { name: "config-1" } }] },
      },
    },
    status: { readyReplicas: replicas },
  });
  const pod = (component: string, name: string, nodeName: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: part(component),
      annotations: { "gatehouse.dev/policy-hash": hash },
    },
    spec: { nodeName },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  });
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "gatehouse-caller", namespace } },
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: {
        name: "gatehouse",
        annotations: { "gatehouse.dev/policy-hash": hash, "gatehouse.dev/mode": "deny" },
      },
      webhooks: [
        {
          name: "validate.gatehouse.dev",
          failurePolicy: "Fail",
          timeoutSeconds: 10,
          matchConditions: [
            {
              name: "not-excluded",
              expression: `!(request.namespace in ['${namespace}', 'kube-system'])`,
            },
          ],
          clientConfig: { caBundle: base64(certificate), service: { namespace, name: "gatehouse" } },
        },
      ],
    },
    deployment("judge", 2),
    deployment("observer", 1),
    pod("judge", "gate-judge-1", "node-1"),
    pod("judge", "gate-judge-2", "node-2"),
    pod("observer", "gate-observer-1", "node-1"),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "config-1", namespace },
      data: { "config.json": JSON.stringify(config) },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/tls",
      metadata: { name: "gate-ca-1", namespace, labels: { "app.kubernetes.io/part-of": "gatehouse" } },
      data: { "tls.crt": base64(certificate) },
    },
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "calico-node", namespace: "calico-system" },
      spec: {
        template: { spec: { volumes: [{ name: "c", hostPath: { path: "/etc/cni/net.d" } }] } },
      },
    },
  ];
}
