/** How the gate runs: rights, memory, metrics, sinks. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { EventSinkFormat, filesDirectory, KubernetesEvents, type GateArgs } from "./index.ts";
import { bundlesFor } from "./bundle.ts";
import { eventSinkConfig } from "./event-sink.ts";
import { memoryLimit } from "./memory.ts";
import { find, gate } from "./testing/gate-graph.ts";
import { label, type Registered } from "./testing/graph.ts";

interface Container {
  command: string[];
  args: string[];
  resources: unknown;
  volumeMounts: { name: string; mountPath: string }[];
}
interface Deployment {
  template: { spec: { serviceAccountName: string; containers: [Container]; volumes: { name: string }[] } };
}

function pods(graph: readonly Registered[], part: "judge" | "observer") {
  const { spec } = find(graph, `Deployment gate-${part}`).inputs as { spec: Deployment };
  const [container] = spec.template.spec.containers;
  return { ...spec.template.spec, container };
}

function config(graph: readonly Registered[]): Record<string, unknown> {
  const { data } = find(graph, "ConfigMap gate-config").inputs as { data: Record<string, string> };
  return JSON.parse(data["config.json"] ?? "null") as Record<string, unknown>;
}

/** What a part's ClusterRole allows, as `verb group/resource`. */
function rights(graph: readonly Registered[], part: "judge" | "observer"): string[] {
  const { rules } = find(graph, `ClusterRole gate-${part}`).inputs as {
    rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
  };
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
    ),
  );
}

/** Why an Output never comes to be. It is nobody's input here, so what else it rejects with is seen to as well. */
async function failureOf(output: pulumi.Output<unknown>): Promise<string> {
  const inner = output as unknown as {
    promise(): Promise<unknown>;
    allResources(): Promise<unknown>;
    isKnown: Promise<unknown>;
    isSecret: Promise<unknown>;
  };
  const settled = [inner.promise(), inner.allResources(), inner.isKnown, inner.isSecret];
  const [found] = await Promise.allSettled(settled);
  return found?.status === "rejected" ? String(found.reason) : "it came to be";
}

const writes = (right: string) => !/^(get|list|watch) /.test(right);

test("judge and observer are two accounts: the judge may write nothing, the observer no more than is asked for", async () => {
  const graph = await gate({
    serviceAccount: "keeper",
    serviceAccountAnnotations: { "cloud/role": "reader" },
  });
  const accounts = graph
    .filter(({ type }) => type.endsWith(":ServiceAccount"))
    .map(({ inputs }) => inputs["metadata"] as { name: string; annotations: unknown })
    .map(({ name, annotations }) => [name, annotations]);
  expect(new Map(accounts as [string, unknown][])).toEqual(
    new Map<string, unknown>([
      ["keeper", { "cloud/role": "reader" }],
      ["keeper-observer", { "cloud/role": "reader" }],
      ["gatehouse-caller", {}],
    ]),
  );
  for (const part of ["judge", "observer"] as const) {
    const name = part === "judge" ? "keeper" : "keeper-observer";
    expect(pods(graph, part).serviceAccountName).toBe(name);
    expect(find(graph, `ClusterRoleBinding gate-${part}`).inputs).toMatchObject({
      roleRef: { kind: "ClusterRole", name: `gate-${part}-7f3a` },
      subjects: [{ kind: "ServiceAccount", name, namespace: "gatehouse" }],
    });
    expect(rights(graph, part).filter((right) => right.includes("secrets"))).toEqual([]);
  }
  expect(rights(graph, "judge").filter(writes)).toEqual([]);
  expect(rights(graph, "observer").filter(writes)).toEqual([
    "create authentication.k8s.io/tokenreviews",
    "create authorization.k8s.io/subjectaccessreviews",
    "create openreports.io/reports",
    "patch openreports.io/reports",
    "delete openreports.io/reports",
    "create wgpolicyk8s.io/policyreports",
    "patch wgpolicyk8s.io/policyreports",
    "delete wgpolicyk8s.io/policyreports",
    "create events.k8s.io/events",
  ]);
  // Whose word on images counts, and who posts events, stays the judge.
  expect(config(graph)["gate"]).toMatchObject({ serviceAccount: "keeper" });
});

test("what is switched off, or known already, needs no right", async () => {
  const clusterState = { reports: false, events: KubernetesEvents.None };
  const graph = await gate({ clusterState, platforms: ["linux/amd64"] });
  expect(config(graph)["clusterState"]).toEqual(clusterState);
  expect(rights(graph, "observer").filter(writes)).toEqual([
    "create authentication.k8s.io/tokenreviews",
    "create authorization.k8s.io/subjectaccessreviews",
  ]);
  const all = [...rights(graph, "judge"), ...rights(graph, "observer")];
  expect(all.filter((right) => right.endsWith("/nodes"))).toEqual([]);

  const audited = await gate({ clusterState: { events: KubernetesEvents.All } });
  expect(config(audited)["clusterState"]).toEqual({ events: "all" });
  expect(rights(audited, "observer")).toContain("create openreports.io/reports");
});

test("a sink's headers are in a Secret that the observer alone mounts, and nowhere else", async () => {
  const graph = await gate({
    eventSink: {
      url: pulumi.output("https://events.example/gatehouse"),
      headers: { Authorization: "Bearer planted-4711", "X-Team": pulumi.output("shop") },
      ca: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
      format: EventSinkFormat.Structured,
    },
  });
  expect(config(graph)["eventSink"]).toEqual({
    url: "https://events.example/gatehouse",
    headersFile: "/gatehouse/sink/headers.json",
    caFile: "/gatehouse/sink/ca.crt",
    format: "structured",
  });
  const holders = graph.filter(({ inputs }) => JSON.stringify(inputs).includes("planted-4711"));
  expect(holders.map(({ type, name, secrets }) => [label(type, name), secrets])).toEqual([
    ["Secret gate-event-sink", ["stringData"]],
  ]);
  expect(holders[0]?.inputs).toMatchObject({
    immutable: true,
    stringData: { "headers.json": '{"Authorization":"Bearer planted-4711","X-Team":"shop"}' },
  });
  const observer = pods(graph, "observer");
  expect(observer.volumes.find(({ name }) => name === "sink")).toEqual({
    name: "sink",
    projected: {
      defaultMode: 0o440,
      sources: [
        { secret: { name: "gate-event-sink-7f3a" } },
        { configMap: { name: "gate-event-sink-ca-7f3a" } },
      ],
    },
  });
  expect(observer.container.volumeMounts).toContainEqual({
    name: "sink",
    mountPath: "/gatehouse/sink",
    readOnly: true,
  });
  expect(pods(graph, "judge").volumes.some(({ name }) => name === "sink")).toBe(false);
});

test("a sink that needs no file mounts none, and its address must be no secret", async () => {
  const graph = await gate({ eventSink: { url: "http://events.monitoring.svc" } });
  expect(config(graph)["eventSink"]).toEqual({ url: "http://events.monitoring.svc" });
  expect(pods(graph, "observer").volumes.some(({ name }) => name === "sink")).toBe(false);
  const failure = await failureOf(
    eventSinkConfig("gate", { url: pulumi.secret("https://events.example/?key=planted-4711") }),
  );
  expect(failure).toContain("eventSink.url: expected an address that is no secret");
  expect(failure).not.toContain("planted");
});

test("a sink without the part that sends to it is a mistake, and not silence", () => {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-judge-alone-"));
  writeFileSync(join(folder, "judge.mjs"), "");
  try {
    const args = { bundles: folder, eventSink: { url: "https://events.example" } };
    expect(() => bundlesFor("gate", args)).toThrow(`eventSink: expected observer.mjs in ${folder}`);
    expect(bundlesFor("gate", { bundles: folder }).observer).toBe(undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("metrics have a port of their own, shut unless somebody is let in", async () => {
  const policyOf = (graph: readonly Registered[], part: string) =>
    (find(graph, `NetworkPolicy gate-${part}`).inputs["spec"] as { ingress: unknown }).ingress;
  const open = { ports: [{ port: 8443, protocol: "TCP" }] };
  const shut = await gate({ targetPort: 8443 });
  const graph = await gate({
    targetPort: 8443,
    metricsFrom: [
      { namespace: "monitoring", podLabels: { app: "prometheus" } },
      { namespace: "agents" },
      { cidr: "10.0.0.0/16" },
    ],
  });
  for (const part of ["judge", "observer"] as const) {
    expect(policyOf(shut, part)).toEqual([open]);
    expect(policyOf(graph, part)).toEqual([
      open,
      {
        ports: [{ port: 9464, protocol: "TCP" }],
        from: [
          {
            namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } },
            podSelector: { matchLabels: { app: "prometheus" } },
          },
          { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "agents" } } },
          { ipBlock: { cidr: "10.0.0.0/16" } },
        ],
      },
    ]);
    expect(pods(graph, part).container.args).toContain("--metrics-listen=[::]:9464");
  }
});

test("Node's heap follows the memory that is asked for, also when that is known late", async () => {
  const heap = async (args: Partial<GateArgs>) => {
    const graph = await gate(args);
    return (["judge", "observer"] as const).map((part) => {
      const { command, resources } = pods(graph, part).container;
      return [command, resources];
    });
  };
  const limited = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { memory } });
  const node = (mebibytes: number) => [
    "/nodejs/bin/node",
    `--max-old-space-size=${mebibytes}`,
    "--max-semi-space-size=8",
  ];
  expect(await heap({})).toEqual([
    [node(211), limited("100m", "384Mi")],
    [node(211), limited("50m", "384Mi")],
  ]);
  expect(
    await heap({
      resources: { memory: "1Gi" },
      observerResources: { cpu: "1", memory: pulumi.output("2Gi") },
    }),
  ).toEqual([
    [node(563), limited("100m", "1Gi")],
    [node(1126), limited("1", "2Gi")],
  ]);
  expect(await failureOf(memoryLimit("gate", "resources.memory", pulumi.output("lots")))).toContain(
    'resources.memory: expected 128Mi or more, such as "384Mi" or "1Gi", got "lots"',
  );
});

test("an exploit feed is part of what verdicts depend on", async () => {
  const exploitFeed = { file: `${filesDirectory("feed")}/feed.json`, maxAge: "14d" };
  const graph = await gate({ exploitFeed, files: { feed: { "feed.json": "{}" } } });
  expect(config(graph)["exploitFeed"]).toEqual(exploitFeed);
  const { judging } = find(graph, "Gate gate").inputs as { judging: string };
  expect(JSON.parse(judging)).toMatchObject({
    exploitFeed: '{"file":"/gatehouse/files/feed/feed.json","maxAge":"14d"}',
  });
});
