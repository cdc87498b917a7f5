/** The impact of a change names exactly those workloads that the judge denies when each is created again. */
import {
  definePolicy,
  deny,
  exempt,
  findings,
  states,
  unscanned,
  type Finding,
  type Impact,
  type ImageScan,
  type Policy,
} from "@gatehouse/policy";
import { expect, test } from "vitest";
import { critical, review, scanned, testApp } from "../testing/fixtures.ts";
import { observedCluster, templated } from "../testing/observed-cluster.ts";

const kinds = [
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "CronJob",
  "Job",
  "ReplicationController",
  "ReplicaSet",
  "PodTemplate",
  "Pod",
] as const;
const high: Finding = {
  ...critical,
  id: "CVE-2026-0002",
  severity: "high",
  package: { name: "zlib", version: "1" },
};

const digestOf = (index: number) => `sha256:${index.toString(16).padStart(64, "0")}`;
const images: Readonly<Record<string, ImageScan>> = {
  "registry.example/team/clean:1": scanned([], digestOf(1)),
  "registry.example/team/critical:1": scanned([critical], digestOf(2)),
  "registry.example/team/high:1": scanned([high], digestOf(3)),
  "registry.example/team/both:1": scanned([critical, high], digestOf(4)),
  "registry.example/team/pending:1": unscanned("pending", "under way", "memory", digestOf(5)),
  "registry.example/other/critical:1": scanned([critical], digestOf(6)),
  "registry.example/team/unknown:1": unscanned("absent", "never scanned", "memory"),
};

const policy: Policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals do not ship",
      except: { namespace: { labels: { tier: "lab" } } },
      when: findings({ minSeverity: "critical" }),
      onScan: { ...states.audit, absent: "deny" },
    }),
    "web-is-strict": deny({
      description: "What faces the web has no highs",
      where: { labels: { tier: "web" } },
      when: findings({ minSeverity: "high" }),
      onScan: { ...states.audit, pending: "deny" },
    }),
  },
  exemptions: {
    "by-workload": exempt({
      where: { workload: { kind: "StatefulSet" }, repository: "team/*" },
      cves: ["CVE-2026-0001"],
      reason: "unreachable",
      owner: "team",
      until: "2026-12-31",
    }),
    "by-namespace": exempt({
      where: { namespace: "team-7" },
      rules: ["no-criticals"],
      reason: "being moved",
      owner: "team",
      until: "2026-12-31",
    }),
  },
  vex: [
    {
      vulnerability: "CVE-2026-0001",
      status: "not_affected",
      products: [{ repository: "registry.example/other/critical" }],
      document: "vex-1",
    },
  ],
  defaultRule: false,
  exemptionHelp: "Ask",
});

/** Objects of 40 namespaces, some of them scaled to zero or suspended. */
function cluster(): Record<string, unknown>[] {
  const names = Object.keys(images);
  return Array.from({ length: 300 }, (_, index) => {
    const kind = kinds[index % kinds.length] ?? "Pod";
    const image = names[(index * 5 + Math.floor(index / 7)) % names.length] ?? "";
    const path = `team-${index % 40}/app-${index}` as const;
    const tier = index % 4 === 0 ? { tier: "web" } : { app: "x" };
    if (kind === "Pod") {
      const metadata = {
        name: `app-${index}`,
        namespace: `team-${index % 40}`,
        uid: `Pod-${index}`,
        labels: tier,
      };
      return { apiVersion: "v1", kind, metadata, spec: { containers: [{ name: "main", image }] } };
    }
    const object = templated(kind, path, image, {
      labels: tier,
      spec: kind === "CronJob" ? { suspend: true } : kind === "Job" ? {} : { replicas: index % 3 },
    });
    // The owner's own labels are not always those of its Pods.
    if (index % 5 === 0) Object.assign(object["metadata"] as object, { labels: { tier: "web" } });
    return object;
  });
}

interface Template {
  metadata: { labels: Record<string, string> };
  spec: unknown;
}

/** The Pod that an object's controller makes; undefined where it makes none. */
function podOf(object: Record<string, unknown>): Record<string, unknown> | undefined {
  const { kind, apiVersion } = object as { kind: string; apiVersion: string };
  const { name, namespace, uid } = object["metadata"] as { name: string; namespace: string; uid: string };
  if (kind === "Pod" || kind === "PodTemplate") return undefined;
  const spec = object["spec"] as
    | { template?: Template; jobTemplate?: { spec: { template: Template } } }
    | undefined;
  const template = spec?.template ?? spec?.jobTemplate?.spec.template ?? (object["template"] as Template);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: template.metadata.labels,
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
    },
    spec: template.spec,
  };
}

/** Owners that the judge denies when they, or their Pods, are created again. */
async function deniedByJudge(
  objects: readonly Record<string, unknown>[],
  rules: Policy,
  mode: "audit" | "deny",
) {
  const metadata: Record<string, { uid: string; labels?: Record<string, string> }> = {};
  for (const object of objects) {
    const { name, uid } = object["metadata"] as { name: string; uid: string };
    metadata[`${String(object["kind"])}/${name}`] = { uid };
  }
  for (let team = 0; team < 40; team++)
    metadata[`Namespace/team-${team}`] = { uid: `n${team}`, labels: labelsOf(team) };
  const judge = testApp({
    mode,
    objects: metadata,
    policy: () => rules,
    lookUp: (reference) =>
      Promise.resolve(images[reference] ?? unscanned("absent", "never scanned", "memory")),
  });
  const denied: string[] = [];
  for (const object of objects) {
    const { name, namespace } = object["metadata"] as { name: string; namespace: string };
    const pod = podOf(object);
    const answers = [
      await judge.validate(review(object)),
      ...(pod === undefined ? [] : [await judge.validate(review(pod))]),
    ];
    if (answers.some(({ allowed }) => allowed === false))
      denied.push(`${namespace}/${String(object["kind"])}/${name}`);
  }
  return denied.toSorted();
}

const labelsOf = (team: number): Record<string, string> => (team % 6 === 0 ? { tier: "lab" } : {});

const namespaces = Array.from({ length: 40 }, (_, team) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: `team-${team}`, labels: labelsOf(team) },
}));

const withoutExemptions: Policy = { ...policy, exemptions: {}, vex: [] };
const lenient: Policy = {
  ...policy,
  rules: Object.fromEntries(
    Object.entries(policy.rules).map(([name, rule]) => [name, { ...rule, onScan: states.audit }]),
  ),
};

test.each([
  ["from audit to deny", policy, "audit", policy, "deny"],
  ["from deny to audit", policy, "deny", policy, "audit"],
  ["when exemptions and VEX go", policy, "deny", withoutExemptions, "deny"],
  ["when exemptions and VEX come", withoutExemptions, "deny", policy, "deny"],
  ["when a state's action gets stricter", lenient, "deny", policy, "deny"],
] as const)("%s", async (_, before, modeBefore, after, modeAfter) => {
  const objects = cluster();
  const observed = await observedCluster({
    objects: [...namespaces, ...objects],
    policy: before,
    mode: modeBefore,
    lookUp: (reference) =>
      Promise.resolve(images[reference] ?? unscanned("absent", "never scanned", "memory")),
  });
  const response = await observed.post(
    "/v1/impact",
    { policy: after, mode: modeAfter },
    observed.token("gate:admin"),
  );
  const impact = (await response.json()) as Impact;
  await observed.stop();
  const was = new Set(await deniedByJudge(objects, before, modeBefore));
  const is = new Set(await deniedByJudge(objects, after, modeAfter));
  const owners = (entries: readonly { owner: string }[]) => entries.map(({ owner }) => owner).toSorted();
  expect(impact.workloads).toBe(300);
  expect(owners(impact.newlyDenied)).toEqual([...is].filter((owner) => !was.has(owner)).toSorted());
  expect(owners(impact.newlyAdmitted)).toEqual([...was].filter((owner) => !is.has(owner)).toSorted());
  expect(impact.stillDenied).toBe([...is].filter((owner) => was.has(owner)).length);
  expect(impact.newlyDenied.length + impact.newlyAdmitted.length).toBeGreaterThan(0);
});
