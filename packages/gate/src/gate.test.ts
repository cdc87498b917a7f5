import * as pulumi from "@pulumi/pulumi";
import { sha256Hex, type SourceConfig } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { Gate, GateMode, tokenFile, type GateArgs } from "./index.ts";
import { find, gate, least } from "./testing/gate-graph.ts";
import { label, type Registered } from "./testing/graph.ts";

const { policy } = least;

/** The graph by names, so that the order in which promises settle does not matter. */
function sorted(graph: readonly Registered[]): unknown {
  return Object.fromEntries(
    graph
      .map(({ type, name, ...rest }): [string, unknown] => [label(type, name), { type, ...rest }])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

test("mode deny with its defaults: the whole graph", async () => {
  const text = `${JSON.stringify(sorted(await gate({ mode: GateMode.Deny })), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot("testing/gate-deny.snap");
});

test("the gate is registered after all that it needs, and the observer alone comes after it", async () => {
  const graph = await gate({ mode: GateMode.Deny });
  const webhooks = graph.filter(({ type }) => type.endsWith("WebhookConfiguration"));
  expect(
    Object.fromEntries(webhooks.map(({ type, name, dependsOn }) => [label(type, name), dependsOn])),
  ).toEqual(
    Object.fromEntries(
      ["MutatingWebhookConfiguration gate-pin", "ValidatingWebhookConfiguration gate-validate"].map(
        (name) => [
          name,
          [
            "ClusterRoleBinding gate-judge",
            "ConfigMap gate-emergency",
            "Deployment gate-judge",
            "NetworkPolicy gate-judge",
            "PodDisruptionBudget gate-judge",
            "Service gate-judge",
          ],
        ],
      ),
    ),
  );
  expect(
    graph
      .filter(({ dependsOn }) => dependsOn.some((name) => name.includes("Webhook")))
      .map(({ type, name }) => label(type, name)),
  ).toEqual(["Deployment gate-observer"]);
  expect(
    graph.filter(({ parent }) => parent !== "Gate gate").map(({ type, name }) => label(type, name)),
  ).toEqual(["Stack gatehouse-test", "Gate gate"]);
});

test("mode audit pins nothing and fails open", async () => {
  const graph = await gate();
  expect(graph.filter(({ type }) => type.endsWith("MutatingWebhookConfiguration"))).toEqual([]);
  const { webhooks } = find(graph, "ValidatingWebhookConfiguration gate-validate").inputs as {
    webhooks: { failurePolicy: string }[];
  };
  expect(webhooks.map(({ failurePolicy }) => failurePolicy)).toEqual(["Ignore"]);
});

test("a preview, whose providers answer with nothing, registers the same resources", async () => {
  const names = (graph: readonly Registered[]) => Object.keys(sorted(graph) as object);
  expect(names(await gate({ mode: GateMode.Deny }, { preview: true }))).toEqual(
    names(await gate({ mode: GateMode.Deny })),
  );
});

test("the component is registered with what the guard compares", async () => {
  const running = [
    { namespace: "shop", repository: "registry.example/web", digests: [`sha256:${"a".repeat(64)}`] },
  ];
  const source = { type: "file" as const, name: "reports", directory: "/reports" };
  const graph = await gate({
    caGenerations: ["2026", "2027"],
    running,
    sources: [pulumi.secret(source)],
    platforms: ["linux/arm64", "linux/amd64"],
  });
  const entries = [`shop registry.example/web sha256:${"a".repeat(64)}`];
  const judging = JSON.stringify({
    cluster: '{"name":"shop"}',
    combine: "first",
    excludedNamespaces: "gatehouse kube-node-lease kube-public kube-system",
    platforms: "linux/amd64 linux/arm64",
    running: sha256Hex(JSON.stringify(entries)),
    "source reports": `1 ${sha256Hex('{"directory":"/reports","name":"reports","type":"file"}')}`,
  });
  // The registration and the Pods say the same, so that what is in force is known after a failure too.
  const noted = find(graph, "ValidatingWebhookConfiguration gate-validate").inputs["metadata"] as {
    annotations: Record<string, string>;
  };
  expect(noted.annotations["gatehouse.dev/judging"]).toBe(judging);
  expect(find(graph, "Gate gate").secrets).toEqual([]);
  expect(find(graph, "Gate gate").inputs).toEqual({
    policy: JSON.parse(JSON.stringify(policy)) as unknown,
    mode: "audit",
    caGenerations: ["2026", "2027"],
    running: entries,
    judging,
    connection: "ambient",
  });
});

test("all certificate authorities are trusted, the first signs and its key alone is mounted", async () => {
  const graph = await gate({ caGenerations: ["2026", "2027"] });
  const { webhooks } = find(graph, "ValidatingWebhookConfiguration gate-validate").inputs as {
    webhooks: { clientConfig: { caBundle: string } }[];
  };
  expect(Buffer.from(webhooks[0]?.clientConfig.caBundle ?? "", "base64").toString()).toBe(
    "certificate of gate-ca-2026\ncertificate of gate-ca-2027\n",
  );
  const { spec } = find(graph, "Deployment gate-judge").inputs as {
    spec: { template: { spec: { volumes: { name: string }[] } } };
  };
  expect(spec.template.spec.volumes.find(({ name }) => name === "ca")).toEqual({
    name: "ca",
    projected: {
      defaultMode: 0o440,
      sources: [
        {
          secret: {
            name: "gate-ca-2026-7f3a",
            items: [
              { key: "tls.crt", path: "2026/tls.crt" },
              { key: "tls.key", path: "2026/tls.key" },
            ],
          },
        },
      ],
    },
  });
});

test("sources may come from what the same program creates", async () => {
  const source: SourceConfig = {
    name: "ecr",
    type: "ecr",
    registries: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com"],
    credentials: {
      kind: "aws",
      roleArn: "arn:aws:iam::123456789012:role/gatehouse",
      tokenFile: tokenFile("aws"),
      region: "eu-west-1",
    },
  };
  const graph = await gate({
    sources: [pulumi.output(source)],
    tokenAudiences: { aws: "sts.amazonaws.com" },
  });
  const { data } = find(graph, "ConfigMap gate-config").inputs as { data: Record<string, string> };
  const text = data["config.json"] ?? "";
  expect(JSON.parse(text)).toEqual({
    version: 1,
    cluster: { name: "shop" },
    mode: "audit",
    policyHash: sha256Hex(
      Object(find(graph, `ConfigMap ${policyName(graph)}`).inputs["data"])["policy.json"] as string,
    ),
    platforms: "nodes",
    sources: [source],
    pin: false,
    excludedNamespaces: ["gatehouse", "kube-node-lease", "kube-public", "kube-system"],
    gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
  });
  const { spec } = find(graph, "Deployment gate-judge").inputs as {
    spec: { template: { spec: { containers: { args: string[] }[]; volumes: { name: string }[] } } };
  };
  expect(spec.template.spec.containers[0]?.args[4]).toContain(sha256Hex(text));
  expect(spec.template.spec.volumes.find(({ name }) => name === "tokens")).toEqual({
    name: "tokens",
    projected: {
      defaultMode: 0o440,
      sources: [
        { serviceAccountToken: { path: "aws", audience: "sts.amazonaws.com", expirationSeconds: 3600 } },
      ],
    },
  });
});

function policyName(graph: readonly Registered[]): string {
  return graph.find(({ name }) => name.startsWith("gate-policy-"))?.name ?? "";
}

test("an image of one's own holds the bundle", async () => {
  const reference = `registry.example/gatehouse@sha256:${"a".repeat(64)}`;
  const graph = await gate({ image: { reference, node: "/usr/bin/node", bundles: "/app" } });
  expect(graph.filter(({ name }) => /^gate-(judge|observer)-/.test(name))).toEqual([]);
  const { spec } = find(graph, "Deployment gate-judge").inputs as {
    spec: { template: { spec: { containers: { image: string; command: string[]; args: string[] }[] } } };
  };
  const [container] = spec.template.spec.containers;
  expect([container?.image, container?.command[0]]).toEqual([reference, "/usr/bin/node"]);
  expect(JSON.parse(container?.args[4] ?? "")).toMatchObject({ module: "/app/judge.mjs" });
});

test("an upgrade leaves the image before it its right to run until Pulumi takes it away, at the end", async () => {
  const images = ["a", "b"].map((digit) => `registry.example/gatehouse@sha256:${digit.repeat(64)}`);
  const rights = [];
  for (const reference of images) {
    const graph = await gate({ image: { reference, bundles: "/app" } });
    const roles = graph.filter(({ type, name }) => type.endsWith(":Role") && name.includes("-image-"));
    const { spec } = find(graph, "ValidatingAdmissionPolicy gate-own-namespace").inputs as {
      spec: { validations: { expression: string }[] };
    };
    expect(images.map((image) => spec.validations[0]?.expression.includes(`c.image == '${image}'`))).toEqual(
      images.map((image) => image === reference),
    );
    expect(find(graph, "Deployment gate-judge").dependsOn).toContain(`RoleBinding ${roles[0]?.name}`);
    rights.push(...roles.map(({ name, inputs }) => ({ name, rules: inputs["rules"] })));
  }
  expect(rights.map(({ rules }) => rules)).toEqual(
    images.map((image) => [
      { apiGroups: ["gatehouse.dev"], resources: ["images"], resourceNames: [image], verbs: ["run"] },
    ]),
  );
  // Other names, so that the new right is made before the old one goes.
  expect(new Set(rights.map(({ name }) => name)).size).toBe(2);
});

test("all that is wrong with the arguments comes in one error without a stack", () => {
  const wrong = {
    policy: { ...policy, rules: { Bad: {} } },
    mode: "enforce",
    cluster: { name: "" },
    replicas: 1,
    timeoutSeconds: 31,
    targetPort: 9464,
    resources: { cpu: "half", memory: "64Mi" },
    observerResources: { memory: "lots" },
    proxy: { https: "proxy.example" },
    metricsFrom: [{ cidr: "10.0.0.0/64" }, { namespace: "a", cidr: "10.0.0.0/8" }, { namespace: "A" }, "all"],
    eventSink: {
      url: "http://events.example",
      headers: { host: "x", "x-key": "a\nb" },
      ca: "none",
      format: "odd",
    },
    clusterState: { reports: "yes", events: "some" },
    exploitFeed: {},
    running: [{ namespace: "shop", repository: "r", digests: ["latest"] }],
    serviceAccount: "gatehouse-caller",
    namespace: "Gate House",
    image: { reference: "node:24" },
    caGenerations: ["2026", "2026"],
    platforms: ["linux"],
    acknowledged: { nobody: ["web"] },
    bundles: least.bundles,
  } as unknown as GateArgs;
  let error: unknown;
  try {
    return new Gate("gate", wrong) as never;
  } catch (caught) {
    error = caught;
  }
  expect(pulumi.ResourceError.isInstance(error) && error.hideStack).toBe(true);
  const lines = (error as Error).message.split("\n").slice(1);
  expect(lines.map((line) => line.trim().split(":")[0])).toEqual(
    expect.arrayContaining([
      "mode",
      "cluster.name",
      "platforms.0",
      "replicas",
      "timeoutSeconds",
      "targetPort",
      "resources.cpu",
      "resources.memory",
      "observerResources.memory",
      "proxy.https",
      "metricsFrom.0.cidr",
      "metricsFrom.1",
      "metricsFrom.2.namespace",
      "metricsFrom.3",
      "eventSink.url",
      "eventSink.format",
      "eventSink.headers.host",
      "eventSink.headers.x-key",
      "eventSink.ca",
      "clusterState.reports",
      "clusterState.events",
      "exploitFeed.file",
      "running.0.digests.0",
      "namespace",
      "serviceAccount",
      "image.reference",
      "caGenerations",
      "acknowledged.nobody",
      "acknowledged.nobody.0",
    ]),
  );
  // What is secret is not quoted.
  expect((error as Error).message).not.toContain("a\\nb");
  expect((error as Error).message).toContain("replicas: expected a whole number from 2 to 100");
});
