/** The guard by the real CLI: what it stops, what it lets through, and that nothing was touched before its verdict. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  definePolicy,
  deny,
  exempt,
  findings,
  states,
  type Exemption,
  type Impact,
  type Policy,
  type Rule,
} from "@gatehouse/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, type Cluster } from "../cluster/cluster.ts";
import { reportProgress } from "../cluster/progress.ts";
import { apply, kubectl } from "../cluster/testing/kubernetes.ts";
import { clean, finding, report, reports, unscanned, vulnerable } from "../gate/reports.ts";
import { workload } from "../gate/workloads.ts";
import { createProject, type Project, type Settings } from "../pulumi/project.ts";

const high = { reference: "registry.example.com/shop/high:1", digest: `sha256:${"8".repeat(64)}` };

/** Denies criticals of `prod`, where the only one is exempt. */
const rule: Rule = {
  ...deny({
    description: "Criticals do not ship",
    where: { namespace: "prod" },
    when: findings({ minSeverity: "critical" }),
    onScan: states.audit,
  }),
};
const exemptions: Record<string, Exemption> = {
  api: exempt({
    cves: ["CVE-2026-0001"],
    where: { namespace: "prod", repository: "shop/api" },
    reason: "unreachable",
    owner: "shop",
    permanent: true,
  }),
};
const policyOf = (rules: Record<string, Rule>, excused = exemptions): Policy =>
  definePolicy({
    rules,
    exemptions: excused,
    defaultRule: false,
  });
const base = policyOf({ criticals: rule });
const wide = policyOf({ criticals: { ...rule, where: { namespace: ["prod", "dev"] } } });

/** Each is wider than `base` in one thing, and whom that newly denies. */
const widenings: readonly [string, Policy, string][] = [
  [
    "a rule",
    policyOf({ criticals: rule, highs: { ...rule, when: { findings: { minSeverity: "high" } } } }),
    "highs:\n      - prod/Deployment/high",
  ],
  [
    "a threshold",
    policyOf({ criticals: { ...rule, when: { findings: { minSeverity: "high" } } } }),
    "criticals:\n      - prod/Deployment/high",
  ],
  ["a scope", wide, "criticals:\n      - dev/Deployment/one"],
  ["a removed exemption", policyOf({ criticals: rule }, {}), "criticals:\n      - prod/Deployment/api"],
  [
    "a state's action",
    policyOf({ criticals: { ...rule, onScan: { ...states.audit, absent: "deny" } } }),
    "criticals:\n      - prod/Deployment/new",
  ],
];

/** Where each preview writes its impact. */
const reportFolder = () => join(project.folder, "impact");

let cluster: Cluster;
let project: Project;
let settings: Settings;

function propose(policy: Policy, change: Settings = {}): void {
  writeFileSync(
    join(project.folder, "stacks", "policy.ts"),
    `export default ${JSON.stringify(policy, null, 2)};\n`,
  );
  project.configure({ ...settings, ...change });
}

/** What a command said when it failed; fails the test when it did not. */
async function refusal(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
  } catch (error) {
    return String(error);
  }
  throw new Error("it went through");
}

const deployment = (namespace: string, name: string, image: string) =>
  workload("Deployment", name, image, { namespace, spec: { replicas: 0 } });

/** Everything that a Gate makes, with the version of each object. */
async function versions(): Promise<string> {
  const name = String.raw`-o=jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.generation} {.metadata.uid}{"\n"}{end}`;
  const inside = await kubectl(
    cluster,
    "get",
    "deployments,configmaps,services,serviceaccounts,secrets,networkpolicies,roles,rolebindings",
    "-n",
    "gatehouse",
    name,
  );
  const outside = await kubectl(
    cluster,
    "get",
    "validatingwebhookconfigurations,mutatingwebhookconfigurations,clusterroles,clusterrolebindings,priorityclasses",
    name,
  );
  return `${inside}${outside}`;
}

beforeAll(async () => {
  [cluster, project] = await Promise.all([
    startCluster({ onBuild: reportProgress(process.stderr) }),
    createProject(),
  ]);
  const folder = join(project.folder, "reports");
  mkdirSync(folder);
  const more = {
    "high.json": report(high, [{ ...finding, VulnerabilityID: "CVE-2026-0003", Severity: "HIGH" }]),
  };
  for (const [name, text] of Object.entries({ ...reports, ...more })) writeFileSync(join(folder, name), text);
  settings = {
    cloud: "local",
    clusterName: "local",
    mode: "audit",
    kubeconfig: cluster.kubeconfig,
    reports: folder,
    report: reportFolder(),
  };
  await apply(
    cluster,
    ...["prod", "dev"].map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
    deployment("prod", "api", vulnerable.reference),
    deployment("prod", "web", clean.reference),
    deployment("prod", "high", high.reference),
    deployment("prod", "new", unscanned.reference),
    deployment("dev", "one", vulnerable.reference),
  );
  propose(wide);
  await project.stack.up();
}, 1_800_000);

afterAll(async () => {
  project?.remove();
  await cluster?.stop();
});

test("from audit to deny is stopped by preview and by up, and nothing was written before the verdict", async () => {
  const before = await versions();
  propose(wide, { mode: "deny" });
  const expected = "this change newly denies 1 workload that nobody acknowledged";
  const previewed = await refusal(async () => await project.stack.preview());
  expect(previewed).toContain(expected);
  expect(previewed).toContain(
    "DENY  dev/Deployment/one  criticals  registry.example.com/shop/api:1.4 CVE-2026-0001",
  );
  const [json = "", markdown = "", sarif = ""] = ["json", "md", "sarif"].map((kind) =>
    readFileSync(join(reportFolder(), `impact.${kind}`), "utf8"),
  );
  expect((JSON.parse(json) as Impact).newlyDenied.map(({ owner }) => owner)).toEqual(["dev/Deployment/one"]);
  expect(markdown).toContain("dev/Deployment/one");
  const { runs } = JSON.parse(sarif) as { runs: { results: { ruleId: string }[] }[] };
  expect(runs.flatMap(({ results }) => results.map(({ ruleId }) => ruleId))).toEqual(["criticals"]);
  expect(await refusal(async () => await project.stack.up())).toContain(expected);
  expect(await versions()).toBe(before);
});

test("what is acknowledged passes; one more fails, one fewer passes", async () => {
  const acknowledged = { criticals: ["dev/Deployment/one"] };
  await apply(cluster, deployment("dev", "two", vulnerable.reference));
  propose(wide, { mode: "deny", acknowledged });
  expect(await refusal(async () => await project.stack.preview())).toContain("- dev/Deployment/two");
  await kubectl(cluster, "delete", "deployment", "two", "-n", "dev");
  await project.stack.preview();
  propose(wide, { mode: "deny", acknowledged: { criticals: ["dev/Deployment/one", "dev/Deployment/two"] } });
  await project.stack.preview();
});

test("narrower goes through: mode deny by a rule that denies nobody yet", async () => {
  propose(base, { mode: "deny" });
  await project.stack.up();
});

test.each(widenings)("a change of %s is stopped, and nothing was written", async (_, policy, block) => {
  const before = await versions();
  propose(policy, { mode: "deny" });
  const said = await refusal(async () => await project.stack.up());
  expect(said).toContain("this change newly denies 1 workload that nobody acknowledged");
  expect(said.replaceAll(/\n {4}/g, "\n")).toContain(block);
  expect(await versions()).toBe(before);
});

test("with the gate dead, an unchanged policy goes through, which repairs it, and a wider one does not", async () => {
  await kubectl(cluster, "scale", "deployments", "--all", "--replicas=0", "-n", "gatehouse");
  await kubectl(cluster, "wait", "--for=delete", "pods", "--all", "-n", "gatehouse", "--timeout=120s");
  const before = await versions();
  propose(wide, { mode: "deny" });
  expect(await refusal(async () => await project.stack.up())).toContain(
    "this change might newly deny, and whom is not known: the gate does not answer",
  );
  expect(await versions()).toBe(before);
  propose(base, { mode: "deny", replicas: 3 });
  await project.stack.up();
  const ready = await kubectl(
    cluster,
    "get",
    "deployments",
    "-n",
    "gatehouse",
    "-l",
    "app.kubernetes.io/name=gatehouse",
    "-o=jsonpath={.items[*].status.readyReplicas}",
  );
  expect(ready).toContain("3");
});
