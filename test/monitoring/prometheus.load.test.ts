/** The rules in a real Prometheus: Debian's package `prometheus` must be installed. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { definePolicy, deny, findings, policyHash, states, type ImageScan } from "@gatehouse/policy";
import { createAuthority, createMetrics, readAuthority, runJudge } from "@gatehouse/webhook";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { fences } from "../docs/markdown.ts";
import { root } from "../steps.ts";
import { promtool, startPrometheus } from "./prometheus.ts";

const rules = join(root, "docs/monitoring/prometheus-rules.yaml");
const secret = "a-secret-of-this-test-alone";
const digest = `sha256:${"a".repeat(64)}`;

test("promtool accepts the rules, and each does what its cases say", async () => {
  expect(await promtool("check", "rules", rules)).toContain("SUCCESS");
  expect(await promtool("test", "rules", join(root, "docs/monitoring/rules.test.yaml"))).toContain("SUCCESS");
});

test("promtool accepts the scrape configuration of the documentation", async () => {
  const block = fences(readFileSync(join(root, "docs/operate.md"), "utf8")).find(
    ({ language, text }) => language === "yaml" && text.includes("scrape_configs"),
  );
  const { scrape_configs } = parse(block?.text ?? "") as { scrape_configs: Record<string, unknown>[] };
  expect(scrape_configs.map(({ job_name }) => job_name)).toEqual(["gatehouse-judge", "gatehouse-observer"]);
  // Debian builds its Prometheus without the discovery of Kubernetes, so that a list of targets stands for it.
  const listed = scrape_configs.map(({ kubernetes_sd_configs, ...rest }) => {
    expect(kubernetes_sd_configs).toEqual([{ role: "pod", namespaces: { names: ["gatehouse"] } }]);
    return { ...rest, static_configs: [{ targets: ["127.0.0.1:9464"] }] };
  });
  const file = join(folder, "scrape.yaml");
  await writeFile(file, stringify({ scrape_configs: listed }));
  expect(await promtool("check", "config", "--syntax-only", file)).toContain("SUCCESS");
});

const policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals do not ship",
      when: findings({ minSeverity: "critical" }),
      onScan: states.audit,
    }),
  },
});
const scan: ImageScan = {
  digest,
  platforms: [
    {
      digest,
      report: {
        state: "complete",
        source: "memory",
        trust: { kind: "source" },
        scannedAt: new Date().toISOString(),
        findings: [{ id: "CVE-2026-0001", severity: "critical" }],
      },
    },
  ],
};

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatehouse-monitoring-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A judge with one break-glass exemption in force. */
async function startJudge() {
  const emergencyDirectory = join(folder, "emergency");
  await mkdir(emergencyDirectory);
  await writeFile(
    join(emergencyDirectory, "outage"),
    JSON.stringify({
      reason: "the fix is being built",
      owner: "on-call",
      until: new Date(Date.now() + 3_600_000).toISOString(),
      cves: ["CVE-2026-0001"],
    }),
  );
  const authority = readAuthority(
    createAuthority({ name: "test", now: Date.now(), lifeMs: 400 * 86_400_000 }),
  );
  const hash = policyHash(policy);
  const judge = await runJudge({
    start: {
      config: {
        version: 1,
        cluster: { name: "test" },
        mode: "deny",
        policyHash: hash,
        platforms: "nodes",
        sources: [],
        pin: false,
        excludedNamespaces: [],
        gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
      },
      policy,
      authorities: [authority],
      secrets: [secret],
    },
    listen: { host: "127.0.0.1", port: 0 },
    metricsListen: { host: "127.0.0.1", port: 0 },
    dnsNames: ["gatehouse.gatehouse.svc"],
    ipAddresses: ["127.0.0.1"],
    emergencyDirectory,
    lookUp: () => Promise.resolve(scan),
    readMetadata: () => Promise.resolve(undefined),
    metrics: createMetrics({ policyHash: hash, mode: "deny", version: "test" }),
    output: { write: () => true, settled: () => Promise.resolve(), flush: () => Promise.resolve() },
    log: () => {},
  });
  return { judge, ca: authority.pem };
}

/** What the API server would send about a Pod. */
function admit(port: number, ca: string): Promise<{ allowed: boolean }> {
  const review = {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "one",
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      namespace: "shop",
      name: "web",
      operation: "CREATE",
      userInfo: { username: "alice", groups: [] },
      object: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "web", namespace: "shop" },
        spec: { containers: [{ name: "main", image: "registry.example/web:1" }] },
      },
      oldObject: null,
      dryRun: false,
    },
  };
  return new Promise((resolve, reject) => {
    const sent = request(
      `https://127.0.0.1:${port}/validate/${secret}`,
      { method: "POST", ca, agent: false, headers: { "content-type": "application/json" } },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
        answer.on("end", () => resolve((JSON.parse(text) as { response: { allowed: boolean } }).response));
      },
    );
    sent.on("error", reject);
    sent.end(JSON.stringify(review));
  });
}

interface Alert {
  labels: Record<string, string>;
  state: string;
}

test("Prometheus scrapes a judge over TLS, and its alerts fire", async () => {
  const { judge, ca } = await startJudge();
  const caFile = join(folder, "ca.crt");
  await writeFile(caFile, ca);
  const prometheus = await startPrometheus({
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [rules],
    scrape_configs: [
      {
        job_name: "gatehouse-judge",
        scheme: "https",
        tls_config: { ca_file: caFile, server_name: "gatehouse.gatehouse.svc" },
        static_configs: [{ targets: [new URL(judge.metricsUrl ?? "").host] }],
      },
    ],
  });
  try {
    expect(await admit(judge.port, ca)).toMatchObject({ allowed: true });
    const wanted = ["GatehouseEmergencyInForce", "GatehouseEmergencyUsed"];
    let firing: Alert[] = [];
    for (let attempt = 0; attempt < 120; attempt += 1) {
      const { alerts } = (await prometheus.ask("alerts")) as { alerts: Alert[] };
      firing = alerts.filter(({ state }) => state === "firing");
      if (wanted.every((name) => firing.some(({ labels }) => labels["alertname"] === name))) break;
      await sleep(500);
    }
    expect(
      firing.map(({ labels }) => labels).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    ).toEqual([
      { alertname: "GatehouseEmergencyInForce", severity: "warning" },
      { alertname: "GatehouseEmergencyUsed", exemption: "emergency/outage", severity: "critical" },
    ]);
    const { groups } = (await prometheus.ask("rules")) as {
      groups: { rules: { name: string; health: string; lastError?: string }[] }[];
    };
    const ill = groups.flatMap((group) => group.rules).filter(({ health }) => health === "err");
    expect(ill).toEqual([]);
  } finally {
    await prometheus.stop();
    await judge.stop({ unreadyMs: 0, graceMs: 1000 });
  }
});
