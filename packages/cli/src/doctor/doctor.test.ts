import { createFakeApi, type FakeApi, type FakeApiOptions } from "@gatehouse/kube/testing";
import type { Manifest } from "@gatehouse/kube";
import type { GateConfig, SourceConfig } from "@gatehouse/policy";
import { clouds } from "@gatehouse/scans/testing";
import { createAuthority } from "@gatehouse/webhook";
import { describe, expect, test } from "vitest";
import { doctorText } from "../render/doctor-text.ts";
import { plain } from "../render/style.ts";
import { identity, images } from "./checks/identity.ts";
import { collectCluster } from "./collect/cluster.ts";
import { excludedIn } from "./collect/registration.ts";
import { readSamples } from "./collect/samples.ts";
import { bySource } from "./collect/source-scans.ts";
import { collectInside } from "./collect/sources.ts";
import { diagnose } from "./diagnose.ts";
import { mendOfSource } from "./mend-source.ts";
import type { DoctorFinding } from "./finding.ts";

const now = Date.parse("2026-11-22T10:00:00Z");
const day = 24 * 60 * 60_000;
const hash = "a".repeat(64);
const authority = createAuthority({ name: "gate", now, lifeMs: 3650 * day }).certificate;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const source: SourceConfig = {
  type: "referrer",
  name: "attached",
  registries: ["registry.example"],
  allowUnsigned: true,
};
const config: GateConfig = {
  version: 1,
  cluster: { name: "test" },
  mode: "deny",
  policyHash: hash,
  platforms: "nodes",
  sources: [source],
  pin: false,
  excludedNamespaces: ["gatehouse", "kube-system"],
  gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
};

const webhook = (changes: object = {}): Manifest => ({
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
        { name: "not-excluded", expression: "!(request.namespace in ['gatehouse', 'kube-system'])" },
      ],
      clientConfig: { caBundle: base64(authority), service: { namespace: "gatehouse", name: "gatehouse" } },
      ...changes,
    },
  ],
});
const partOf = (part: string): Record<string, string> => ({
  "app.kubernetes.io/name": "gatehouse",
  "app.kubernetes.io/component": part,
});
const deployment = (part: string, wanted: number, ready: number, status: object = {}): Manifest => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: {
    name: `gate-${part}`,
    namespace: "gatehouse",
    labels: { "app.kubernetes.io/part-of": "gatehouse" },
  },
  spec: {
    replicas: wanted,
    template: {
      metadata: { labels: partOf(part) },
      spec: { volumes: [{ name: "config", configMap: { name: "config-1" } }] },
    },
  },
  status: { readyReplicas: ready, ...status },
});
const pod = (part: string, name: string, node: string, status: object = {}, policy = hash): Manifest => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "gatehouse",
    labels: partOf(part),
    annotations: { "gatehouse.dev/policy-hash": policy },
  },
  spec: { nodeName: node },
  status: { conditions: [{ type: "Ready", status: "True" }], ...status },
});
const workload = (kind: string, namespace: string, name: string, podSpec: object): Manifest => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name, namespace },
  spec: { template: { spec: podSpec } },
});
const configMap = (value: object): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "config-1", namespace: "gatehouse" },
  data: { "config.json": JSON.stringify(value) },
});
const secret = (pem: string): Manifest => ({
  apiVersion: "v1",
  kind: "Secret",
  type: "kubernetes.io/tls",
  metadata: {
    name: "gate-ca-1",
    namespace: "gatehouse",
    labels: { "app.kubernetes.io/part-of": "gatehouse" },
  },
  data: { "tls.crt": base64(pem) },
});

/** A gate that is well: the tests break one thing each. */
const healthy = (): Manifest[] => [
  webhook(),
  deployment("judge", 2, 2),
  deployment("observer", 1, 1),
  pod("judge", "judge-1", "node-1"),
  pod("judge", "judge-2", "node-2"),
  pod("observer", "observer-1", "node-1"),
  configMap(config),
  secret(authority),
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } },
  {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "gatehouse-caller", namespace: "gatehouse" },
  },
  workload("DaemonSet", "kube-system", "cni", {
    volumes: [{ name: "c", hostPath: { path: "/etc/cni/net.d" } }],
  }),
];

const leaf = (end: number): string =>
  `gatehouse_certificate_expiry_timestamp_seconds{certificate="leaf"} ${end / 1000}\n`;
const scan = (state: string, changes: object = {}): object => ({
  line: "scan",
  reference: "registry.example/app:1",
  platforms: ["linux/amd64"],
  scan: {
    platforms: [
      { report: { state, source: "attached", trust: { kind: "unsigned" }, findings: [], ...changes } },
    ],
  },
});

interface Cluster {
  objects?: readonly Manifest[];
  metrics?: string;
  scans?: readonly object[];
  ahead?: number;
  warnings?: readonly string[];
  api?: Partial<FakeApiOptions>;
  prepare?: (api: FakeApi) => void;
}

/** What the gate's two accounts may do, of what the doctor asks about. */
const rights: Readonly<Record<string, readonly string[]>> = {
  "system:serviceaccount:gatehouse:gatehouse": ["get namespaces", "get deployments", "list nodes"],
  "system:serviceaccount:gatehouse:gatehouse-observer": ["list pods", "create tokenreviews"],
};

async function doctor(change: Cluster = {}): Promise<DoctorFinding[]> {
  const api = createFakeApi({
    now: () => now,
    authorize: (user, of) =>
      "resource" in of && rights[user.username]?.includes(`${of.verb} ${of.resource}`) === true,
    serviceProxy({ service, port, request }) {
      const { pathname } = new URL(request.url);
      if (pathname === "/healthz" && port === "https") return new Response("ok\n");
      if (pathname === "/metrics" && port !== "metrics") return new Response("not found\n", { status: 404 });
      if (pathname === "/metrics")
        return new Response(service === "gatehouse" ? (change.metrics ?? leaf(now + day)) : "# none\n");
      const lines = change.scans ?? [scan("complete", { scannedAt: "2026-11-21T10:00:00Z" })];
      return Response.json({ lines });
    },
    ...change.api,
  });
  for (const object of change.objects ?? healthy()) api.put(object);
  change.prepare?.(api);
  const facts = await collectCluster({
    kube: api.kube(),
    heard: { ahead: () => change.ahead ?? 0, takeWarnings: () => [...(change.warnings ?? [])] },
    namespace: "gatehouse",
    probeNamespace: "default",
    now: () => now,
  });
  return diagnose(facts);
}
/** What is not well, as `level check: text -> mend`. */
const unwell = (findings: readonly DoctorFinding[]): string[] =>
  findings.flatMap(({ level, check, text, mend }) =>
    level === "ok" ? [] : [`${level} ${check}: ${text} -> ${mend}`],
  );

const without = (kind: string, name: string): Manifest[] =>
  healthy().filter((object) => object.kind !== kind || object.metadata.name !== name);
const instead = (...objects: readonly Manifest[]): Manifest[] => [
  ...healthy().filter(
    (one) => !objects.some((other) => other.kind === one.kind && other.metadata.name === one.metadata.name),
  ),
  ...objects,
];

describe("the doctor, from outside", () => {
  test("finds nothing wrong with a gate that is well", async () => {
    expect(doctorText(await doctor(), plain)).toMatchInlineSnapshot(`
      "prerequisites
        ok      Kubernetes v1.34.0
        ok      ValidatingAdmissionPolicy is served
        ok      all 5 rights that were asked about are there
      installation
        ok      failurePolicy is Fail in mode deny
        ok      judge: 2 of 2 ready
        ok      observer: 1 of 1 ready
        ok      policy aaaaaaaaaaaa is registered and judged by
      certificates
        ok      the judge's own certificate ends on 2026-11-23T10:00:00.000Z
        ok      authority gate ends on 2036-11-19
        ok      the validating webhook's caBundle holds all 1 authorities of the gate
      reachability
        ok      a Pod in namespace default was admitted, which with failurePolicy Fail takes the gate's answer (dry run)
      clock
        ok      the API server's clock agrees with this machine's
        ok      the judge's clock agrees with this machine's
      namespaces
        ok      network, storage, autoscaler, DNS and other webhooks are in excluded namespaces
      scanning
        ok      source attached (referrer): 1 complete, newest scan 2026-11-21T10:00:00Z
      metrics
        ok      the judge counts no failure of its own
        ok      the observer counts no failure of its own

      0 problems, 0 warnings, 17 well
      "
    `);
  });

  test.each<[what: string, cluster: Cluster, first: string]>([
    [
      "an old cluster",
      { api: { version: "v1.30.2" } },
      "problem prerequisites: Kubernetes v1.30.2 is older than 1.31",
    ],
    [
      "a service account without its role",
      { api: { authorize: (_user, of) => !("resource" in of && of.resource === "namespaces") } },
      "problem prerequisites: system:serviceaccount:gatehouse:gatehouse may not get namespaces -> pulumi up",
    ],
    [
      "no registration",
      { objects: without("ValidatingWebhookConfiguration", "gatehouse") },
      "problem installation: there is no ValidatingWebhookConfiguration gatehouse: nothing is judged -> pulumi up",
    ],
    [
      "a registration that somebody opened",
      { objects: instead(webhook({ failurePolicy: "Ignore" })) },
      "warning installation: failurePolicy is Ignore in mode deny: what no gate answers for is admitted unjudged",
    ],
    [
      "a registration of another service",
      {
        objects: instead(
          webhook({ clientConfig: { caBundle: base64(authority), url: "https://x.example" } }),
        ),
      },
      "problem installation: the API server asks https://x.example, not gatehouse/gatehouse",
    ],
    [
      "another condition",
      { objects: instead(webhook({ matchConditions: [{ name: "not-excluded", expression: "true" }] })) },
      "problem installation: the match condition not-excluded is not the one that the gate writes",
    ],
    [
      "the gate's own namespace not excluded",
      {
        objects: instead(
          webhook({
            matchConditions: [
              { name: "not-excluded", expression: "!(request.namespace in ['kube-system'])" },
            ],
          }),
        ),
      },
      "problem installation: the gate's own namespace gatehouse is not excluded",
    ],
    [
      "pinning that is not there",
      { objects: instead(configMap({ ...config, pin: true })) },
      "problem installation: Pods should be pinned, and there is no MutatingWebhookConfiguration gatehouse-pin",
    ],
    [
      "a judge too few",
      { objects: instead(deployment("judge", 2, 1)) },
      "warning installation: judge: 1 of 2 ready",
    ],
    [
      "no judge",
      { objects: instead(deployment("judge", 2, 0)) },
      "problem installation: judge: 0 of 2 ready",
    ],
    [
      "a roll-out that is stuck",
      {
        objects: instead(
          deployment("judge", 2, 2, {
            conditions: [{ type: "Progressing", status: "False", message: "timed out" }],
          }),
        ),
      },
      "problem installation: judge: 2 of 2 ready; its roll-out is stuck: timed out",
    ],
    [
      "no observer",
      { objects: without("Deployment", "gate-observer") },
      "problem installation: there is no Deployment of the observer in namespace gatehouse",
    ],
    [
      "a Pod of another policy",
      { objects: instead(pod("judge", "judge-2", "node-2", {}, "b".repeat(64))) },
      "problem installation: policy aaaaaaaaaaaa is registered, judge-2 judges by bbbbbbbbbbbb",
    ],
    [
      "all on one node",
      { objects: instead(pod("judge", "judge-2", "node-1")) },
      "warning installation: all judges are on node node-1",
    ],
    [
      "a Pod that dies",
      {
        objects: instead(
          pod("judge", "judge-2", "node-2", {
            conditions: [{ type: "Ready", status: "True" }],
            containerStatuses: [
              { restartCount: 9, lastState: { terminated: { message: "out of\nmemory" } } },
            ],
          }),
        ),
      },
      "warning installation: judge-2 was restarted 9 times; its last words: out of memory",
    ],
    [
      "an authority that is not trusted",
      {
        objects: instead(
          webhook({
            clientConfig: {
              caBundle: base64(createAuthority({ name: "x", now, lifeMs: day }).certificate),
              service: { namespace: "gatehouse", name: "gatehouse" },
            },
          }),
        ),
      },
      "problem certificates: the validating webhook's caBundle lacks what Secret gate-ca-1 holds -> pulumi up --refresh",
    ],
    [
      "an authority that ends soon",
      {
        objects: ((pem) => [
          ...instead(
            secret(pem),
            webhook({
              clientConfig: { caBundle: base64(pem), service: { namespace: "gatehouse", name: "gatehouse" } },
            }),
          ),
        ])(createAuthority({ name: "old", now, lifeMs: 30 * day }).certificate),
      },
      "warning certificates: authority old ends on 2026-12-22",
    ],
    [
      "no authority",
      { objects: without("Secret", "gate-ca-1") },
      "problem certificates: there is no Secret with an authority",
    ],
    [
      "a leaf that ended",
      { metrics: leaf(now - 1000) },
      "problem certificates: the judge's own certificate ends on 2026-11-22T09:59:59.000Z",
    ],
    [
      "clocks a little apart",
      { ahead: -20_000 },
      "warning clock: the API server's clock is 20 s behind this machine's",
    ],
    [
      "clocks far apart",
      { ahead: 90_000 },
      "problem clock: the API server's clock is 90 s ahead of this machine's",
    ],
    [
      "vital namespaces that are judged",
      {
        objects: [
          ...healthy(),
          workload("DaemonSet", "calico-system", "calico-node", {
            volumes: [{ hostPath: { path: "/opt/cni/bin" } }],
          }),
          workload("DaemonSet", "storage", "ebs", {
            containers: [{ image: "r.io/sig-storage/csi-node-driver-registrar:v2" }],
          }),
          workload("Deployment", "scaling", "ca", {
            containers: [{ image: "registry.k8s.io/autoscaling/cluster-autoscaler:v1.31.0@sha256:0" }],
          }),
          workload("Deployment", "scaling", "web", { containers: [{ image: "r.io/controller:1" }] }),
        ],
      },
      "warning namespaces: namespace calico-system is judged and holds DaemonSet/calico-node (network (CNI)): while no gate answers it cannot come back, and the gate may need it -> add calico-system to gatehouse:excludedNamespaces, then pulumi up\nwarning namespaces: namespace scaling is judged and holds Deployment/ca (autoscaler):",
    ],
    [
      "the backend of another webhook",
      {
        objects: [
          ...healthy(),
          {
            apiVersion: "admissionregistration.k8s.io/v1",
            kind: "MutatingWebhookConfiguration",
            metadata: { name: "mesh" },
            webhooks: [
              {
                name: "m.example",
                failurePolicy: "Fail",
                clientConfig: { service: { namespace: "mesh", name: "m" } },
              },
            ],
          },
        ],
      },
      "warning namespaces: namespace mesh is judged and holds MutatingWebhookConfiguration/mesh (webhook backend)",
    ],
    [
      "no source",
      { objects: instead(configMap({ ...config, sources: [] })) },
      "problem scanning: no source of scan reports is configured",
    ],
    [
      "a source without an answer",
      { scans: [scan("unavailable", { reason: "registry.example: answered 403" })] },
      "problem scanning: source attached (referrer): 1 unavailable: registry.example: answered 403 -> allow the credentials pulling",
    ],
    [
      "nothing scanned",
      { scans: [scan("absent", { reason: "no report" })] },
      "problem scanning: source attached (referrer): 1 absent: nothing was ever scanned (no report) -> attach reports",
    ],
    [
      "old scans",
      { scans: [scan("complete", { scannedAt: "2026-11-01T10:00:00Z" })] },
      "warning scanning: source attached (referrer): 1 complete, newest scan 2026-11-01T10:00:00Z: no scan ended in the last week",
    ],
    [
      "what the judge counts",
      { metrics: `gatehouse_failures_total 2\ngatehouse_exploit_feed_state{part="epss",state="old"} 1\n` },
      "problem metrics: judge: 2 mistakes in the gate's own code",
    ],
  ])("%s", async (_what, cluster, first) => {
    const said = unwell(await doctor(cluster)).join("\n");
    expect(said.slice(0, first.length)).toBe(first);
  });

  test.each<[string, Cluster, string[]]>([
    ["a denial", failing(400, 'admission webhook "validate.gatehouse.dev" denied the request: no'), []],
    ["an audit's warning", { warnings: ['299 - "Gatehouse would deny"'] }, []],
    [
      "an API server that does not reach it",
      failing(
        500,
        'Internal error occurred: failed calling webhook "validate.gatehouse.dev": context deadline exceeded',
      ),
      [
        'problem reachability: the API server does not reach the gate: Internal error occurred: failed calling webhook "validate.gatehouse.dev": context deadline exceeded -> let the control plane reach',
      ],
    ],
    [
      "somebody else's refusal",
      failing(403, 'pods "x" is forbidden: exceeded quota'),
      ["warning reachability: somebody else refused the Pod before the gate was seen to:"],
    ],
    [
      "no right to create Pods",
      failing(403, 'pods is forbidden: User "u" cannot create resource "pods"'),
      ["warning reachability: whether the API server reaches the gate is not known:"],
    ],
  ])("a Pod tried out: %s", async (_what, cluster, expected) => {
    const said = unwell((await doctor(cluster)).filter(({ check }) => check === "reachability"));
    expect(said.map((line, index) => line.slice(0, expected[index]?.length))).toEqual(expected);
  });

  test("silence with failurePolicy Ignore is no answer", async () => {
    const audit = webhook({ failurePolicy: "Ignore" });
    const findings = await doctor({ objects: instead(audit, configMap({ ...config, mode: "audit" })) });
    expect(findings.find(({ check }) => check === "reachability")?.level).toBe("warning");
  });

  test("a gate that was told its platforms needs no right to read nodes", async () => {
    const told = configMap({ ...config, platforms: ["linux/amd64"] });
    const without = (user: { username: string }, of: object) =>
      "resource" in of &&
      "verb" in of &&
      of.resource !== "nodes" &&
      rights[user.username]?.includes(`${String(of.verb)} ${String(of.resource)}`) === true;
    const findings = await doctor({ objects: instead(told), api: { authorize: without } });
    expect(unwell(findings)).toEqual([]);
    expect(findings.map(({ text }) => text)).toContain("all 4 rights that were asked about are there");
  });

  test("metrics that a NetworkPolicy keeps from the API server are told of, and the rest is known", async () => {
    const serviceProxy: FakeApiOptions["serviceProxy"] = ({ port }) =>
      port === "metrics"
        ? Response.json({ kind: "Status", message: "dial tcp 10.0.0.7:9464: i/o timeout" }, { status: 503 })
        : Response.json({ lines: [scan("complete", { scannedAt: "2026-11-21T10:00:00Z" })] });
    const said = unwell(await doctor({ api: { serviceProxy } }));
    expect(said.map((line) => line.split(":")[0])).toEqual(["warning metrics", "warning metrics"]);
    expect(said[0]).toContain("metricsFrom of Gate");
  });

  test("a Pod in an excluded namespace proves nothing", async () => {
    const expression = "!(request.namespace in ['default', 'gatehouse', 'kube-system'])";
    const excluding = webhook({ matchConditions: [{ name: "not-excluded", expression }] });
    expect(unwell(await doctor({ objects: instead(excluding) }))).toEqual([
      "warning reachability: namespace default is excluded, so a Pod there says nothing of the gate -> name a namespace that is judged: --probe-namespace",
    ]);
  });

  test("what cannot be read is never well", async () => {
    const findings = await doctor({ prepare: (api) => api.fail({ status: 403, times: 1000 }) });
    expect(findings.filter(({ level }) => level === "ok")).toEqual([]);
    expect(new Set(findings.map(({ check }) => check))).toEqual(
      new Set([
        "prerequisites",
        "installation",
        "certificates",
        "reachability",
        "clock",
        "namespaces",
        "scanning",
        "metrics",
      ]),
    );
    expect(findings.every(({ mend }) => mend !== undefined)).toBe(true);
  });
});

/** The creation of a Pod fails so. */
function failing(status: number, message: string): Cluster {
  return {
    prepare: (api) =>
      api.fail({
        status,
        message,
        reason: status === 403 ? "Forbidden" : "",
        times: 5,
        match: ({ method, url }) => method === "POST" && url.includes("/pods?"),
      }),
  };
}

describe("the doctor, from inside", () => {
  const { audiences, awsRegistry, azureRegistry, createWorld, credentialsFor, fakeAws, fakeAzure } = clouds;
  const reference = `${awsRegistry}/team/app@sha256:${"1".repeat(64)}`;
  const ecr: SourceConfig = {
    type: "ecr",
    name: "ecr",
    registries: [awsRegistry],
    credentials: credentialsFor("aws"),
  };

  async function inside(
    one: SourceConfig,
    options: {
      trusted?: Partial<clouds.Trusted>;
      misbehave?: clouds.FakeAws["misbehave"];
      references?: string[];
    } = {},
  ): Promise<string[]> {
    const world = createWorld();
    const aws = fakeAws({ ...world, trusted: { ...world.trusts(audiences.aws), ...options.trusted } });
    const azure = fakeAzure({ ...world, trusted: { ...world.trusts(audiences.azure), ...options.trusted } });
    aws.misbehave = options.misbehave;
    const { network, readFile, random } = world.deps({ ...aws.hosts, ...azure.hosts });
    const facts = await collectInside({ sources: [one] }, options.references ?? [], {
      fetch: network.fetch,
      readFile,
      random,
      now: world.now,
    });
    return [...identity(facts), ...images(facts)].map(
      ({ level, text, mend }) => `${level} ${text} -> ${mend}`,
    );
  }

  test("logs in at ECR and at ACR", async () => {
    expect(await inside(ecr)).toEqual([`ok source ecr (ecr): logged in at ${awsRegistry} -> undefined`]);
    const acr: SourceConfig = {
      type: "defender",
      name: "acr",
      registries: [azureRegistry],
      credentials: credentialsFor("azure"),
      trust: [{ kind: "sigstore-key", publicKey: "k" }],
    };
    expect(await inside(acr)).toEqual([
      `ok source acr (defender): logged in at ${azureRegistry} -> undefined`,
    ]);
    expect(await inside(source)).toEqual([
      "ok source attached (referrer): there is no identity to be exchanged -> undefined",
    ]);
  });

  test.each([
    ["issuer", { issuer: "https://other.example" }, "the cluster's issuer in the federated credential"],
    ["audience", { audience: "other" }, "tokenAudiences of Gate, the same to the letter"],
    [
      "subject",
      { subject: "system:serviceaccount:other:other" },
      "system:serviceaccount:NAMESPACE:NAME of the gate",
    ],
  ])("says that the %s is wrong, and what mends it", async (_what, trusted, expected) => {
    const [line = "", ...more] = await inside(ecr, { trusted });
    expect([line.startsWith("problem source ecr (ecr): "), line.includes(` -> ${expected}`), more]).toEqual([
      true,
      true,
      [],
    ]);
  });

  test("says what is missing of a token file", async () => {
    const credentials = { ...credentialsFor("aws"), tokenFile: "/nowhere" };
    const [line = ""] = await inside({ ...ecr, credentials });
    expect(line).toMatch(/^problem .* -> tokenAudiences of Gate, which mounts the token/);
  });

  test("looks an image up", async () => {
    const misbehave: clouds.FakeAws["misbehave"] = async (_request, next) => await next();
    const [, line = ""] = await inside(ecr, { misbehave, references: [reference] });
    expect(line).toBe(
      `problem ${reference} by ecr: absent: ${awsRegistry}/team/app: answered 404 -> ${mendOfSource(ecr, "scanning")}`,
    );
  });
});

test("samples are read from Prometheus's text, and nothing else", () => {
  expect(
    readSamples('# HELP a b\na_total 2\nb{c="d\\"e",f="g"} 1.5e3 1700000000\nnonsense\nc{} NaN\n'),
  ).toEqual([
    { name: "a_total", labels: {}, value: 2 },
    { name: "b", labels: { c: 'd\\"e', f: "g" }, value: 1500 },
  ]);
});

test.each([
  ["!(request.namespace in ['a', 'b-c'])", ["a", "b-c"]],
  ["!(request.namespace in ['a']) || true", undefined],
  ["!(request.namespace in [])", undefined],
  ["true", undefined],
])("excluded by %s", (expression, expected) => {
  expect(excludedIn(expression)).toEqual(expected);
});

test("reports are counted by source and state", () => {
  const report = { source: "a", trust: { kind: "source" as const }, findings: [] };
  expect(
    bySource([
      { ...report, state: "complete", scannedAt: "2026-11-21T00:00:00Z" },
      { ...report, state: "complete", scannedAt: "2026-11-20T00:00:00Z" },
      { ...report, state: "absent", reason: "none" },
    ]),
  ).toEqual([
    {
      source: "a",
      states: { complete: 2, absent: 1 },
      reasons: { absent: "none" },
      newestScan: "2026-11-21T00:00:00Z",
    },
  ]);
});
