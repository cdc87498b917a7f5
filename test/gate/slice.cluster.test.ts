/** The thin slice: a policy, a report, a Gate on a real control plane, and what a developer reads. */
import { definePolicy, deny, findings, states } from "@gatehouse/policy";
import { Gate, GateMode, filesDirectory } from "@gatehouse/gate";
import { buildBundle } from "@gatehouse/webhook/build";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, type Cluster } from "../cluster/cluster.ts";
import { reportProgress } from "../cluster/progress.ts";
import { eventually } from "../cluster/testing/eventually.ts";
import { createStack, type Stack } from "./up.ts";

const digest = `sha256:${"5".repeat(64)}`;
const report = {
  SchemaVersion: 2,
  CreatedAt: "2026-11-20T10:00:00Z",
  ArtifactName: "registry.example.com/shop/api:1.4",
  ArtifactType: "container_image",
  Metadata: {
    RepoTags: ["registry.example.com/shop/api:1.4"],
    RepoDigests: [`registry.example.com/shop/api@${digest}`],
  },
  Results: [
    {
      Target: "debian 12",
      Class: "os-pkgs",
      Type: "debian",
      Vulnerabilities: [
        {
          VulnerabilityID: "CVE-2026-0001",
          PkgName: "openssl",
          InstalledVersion: "3.0.1",
          FixedVersion: "3.0.2",
          Severity: "CRITICAL",
          Status: "fixed",
        },
      ],
    },
  ],
};
const policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals do not ship",
      when: findings({ minSeverity: "critical" }),
      onScan: states.audit,
    }),
  },
});

let cluster: Cluster;
let stack: Stack;

function gate(mode: GateMode): Gate {
  return new Gate("gate", {
    policy,
    mode,
    cluster: { name: "test" },
    platforms: ["linux/amd64"],
    files: { reports: { "api.json": JSON.stringify(report) } },
    sources: [
      {
        type: "file",
        name: "reports",
        directory: filesDirectory("reports"),
        registries: ["registry.example.com"],
      },
    ],
  });
}

function deployment(name: string): string {
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default" },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "api", image: "registry.example.com/shop/api:1.4" }] },
      },
    },
  });
}

beforeAll(async () => {
  await buildBundle();
  cluster = await startCluster({ onBuild: reportProgress(process.stderr) });
  stack = createStack(cluster);
}, 1_800_000);

afterAll(async () => {
  await cluster?.stop();
});

test("mode audit admits with a warning, mode deny refuses with all that mends it", async () => {
  await stack.up(() => gate(GateMode.Audit));
  const audited = await cluster.kubectl(["create", "-f", "-"], deployment("audited"));
  expect(audited).toEqual({
    code: 0,
    stdout: "deployment.apps/audited created\n",
    stderr:
      "Warning: [GH1001] deny mode would refuse registry.example.com/shop/api:1.4 (no-criticals): CVE-2026-0001\nWarning: [GH1001] audit registry.example.com/shop/api:1.4 (default): CVE-2026-0001\n",
  });
  await stack.up(() => gate(GateMode.Deny));
  // Replicas of the last roll-out answer on connections that they still hold until they have ended.
  const denied = await eventually(async () => {
    const { code, stderr } = await cluster.kubectl(
      ["create", "--dry-run=server", "-f", "-"],
      deployment("denied"),
    );
    expect(code).toBe(1);
    return stderr.split("\n");
  });
  expect(denied).toEqual([
    'Error from server: error when creating "STDIN": admission webhook "validate.gatehouse.dev" denied the request: Gatehouse denied Deployment default/denied [GH1001]',
    "",
    "Image registry.example.com/shop/api:1.4",
    `  Digest: ${digest}`,
    "  In: container api at spec.template.spec.containers[0].image",
    "  Rule no-criticals: Criticals do not ship [GH1001]",
    "    1 finding (scanned 2026-11-20T10:00:00Z, reports):",
    "      CVE-2026-0001, critical, in openssl 3.0.1, fixed in 3.0.2",
    "",
    "Exemption: Ask your platform team for an exemption.",
    "",
  ]);
});
