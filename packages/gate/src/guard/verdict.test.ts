import {
  definePolicy,
  deny,
  findings,
  policyHash,
  states,
  type Impact,
  type ImpactEntry,
  type Policy,
} from "@gatehouse/policy";
import { describe, expect, test } from "vitest";
import { runningHash } from "../judging.ts";
import type { ClusterState } from "./cluster-state.ts";
import { judgeProposal, type Proposal, type Sight } from "./verdict.ts";

const rule = deny({
  description: "No criticals",
  when: findings({ minSeverity: "critical" }),
  onScan: states.audit,
});
const mild = definePolicy({ rules: { no: rule } });
const strict = definePolicy({ rules: { no: { ...rule, onScan: states.strict } } });
const owner = "gatehouse/test/gate";
const judging = {
  cluster: '{"name":"c"}',
  platforms: "nodes",
  "source reports": "1 aa",
  running: runningHash([]),
  excludedNamespaces: "gatehouse kube-system",
};

function running(policy: Policy, mode: string, more: Partial<ClusterState> = {}): ClusterState {
  return {
    version: "v1.34.2",
    supported: true,
    emergencies: [],
    gate: { owner, policyHash: policyHash(policy), mode, judging },
    ...more,
  };
}

const entry = (name: string): ImpactEntry => ({
  owner: `shop/Deployment/${name}`,
  namespace: "shop",
  before: "allow",
  after: "deny",
  rules: ["no"],
  images: [
    { reference: `r.example/${name}:1`, state: "absent", rules: ["no"], findings: [], findingCount: 0 },
  ],
  couldNotTell: false,
});

function impactOf(...names: string[]): Impact {
  return {
    at: "2026-12-01T00:00:00.000Z",
    after: { mode: "deny" },
    workloads: 9,
    newlyDenied: names.map(entry),
    newlyAudited: [],
    newlyAdmitted: [],
    stillDenied: 0,
    newlyExempt: [],
    noLongerExempt: [],
    endingExemptions: [],
    violatesNow: [],
    unscanned: [],
    couldNotTell: [],
    byNamespace: [],
    byRule: [],
    byCve: [],
    fixes: [],
    projection: [],
  };
}

const from = (policy: Policy) => ({ policy, caGenerations: ["1"], running: [] });
const proposal: Proposal = {
  owner,
  after: { policy: strict, mode: "deny" },
  judging,
  running: [],
  caGenerations: ["1"],
  first: false,
  registered: from(mild),
  acknowledged: {},
  requireImpact: true,
};

const dead = () => Promise.reject(new Error("connection refused"));

/** A cluster in which `mild` denies, with workloads and an observer that answers. */
function sight(more: Partial<Sight> = {}, ...newlyDenied: string[]): Sight {
  return {
    cluster: () => Promise.resolve(running(mild, "deny")),
    hasWorkloads: () => Promise.resolve(true),
    impact: () => Promise.resolve({ policyHash: policyHash(mild), impact: impactOf(...newlyDenied) }),
    ...more,
  };
}

async function judged(more: Partial<Proposal>, seen: Sight): Promise<[boolean, string]> {
  const { pass, message } = await judgeProposal({ ...proposal, ...more }, seen);
  return [pass, message.split("\n")[0] ?? ""];
}

describe("with the gate's answer", () => {
  test("whom a change newly denies must be acknowledged: one more fails, one fewer passes", async () => {
    const acknowledged = { no: ["shop/Deployment/a", "shop/Deployment/b"] };
    const counts = (count: number) => `Impact on 9 workloads: ${count} newly denied`;
    expect(await judged({ acknowledged }, sight({}, "a", "b"))).toEqual([true, counts(2)]);
    expect(await judged({ acknowledged }, sight({}, "a"))).toEqual([true, counts(1)]);
    expect(await judged({ acknowledged }, sight({}, "a", "b", "c"))).toEqual([
      false,
      "this change newly denies 1 workload that nobody acknowledged [GH2011]",
    ]);
  });

  test("a refusal shows the table and the block to paste", async () => {
    expect((await judgeProposal(proposal, sight({}, "a", "b"))).message)
      .toBe(`this change newly denies 2 workloads that nobody acknowledged [GH2011]

Impact on 9 workloads: 2 newly denied
  DENY  shop/Deployment/a  no  r.example/a:1 scan absent
  DENY  shop/Deployment/b  no  r.example/b:1 scan absent

To let it through, write this into the stack's settings, or mend the images first:
  gatehouse:acknowledged:
    no:
      - shop/Deployment/a
      - shop/Deployment/b`);
  });

  test("in mode audit nothing needs to be acknowledged", async () => {
    expect(await judged({ after: { policy: strict, mode: "audit" } }, sight({}, "a"))).toEqual([
      true,
      "Impact on 9 workloads: 1 newly denied",
    ]);
  });
});

describe("without one", () => {
  const mute = sight({ impact: dead });

  test("a deny that might be wider stops, and names the ways out", async () => {
    const verdict = await judgeProposal(proposal, mute);
    expect(verdict.pass).toBe(false);
    expect(verdict.message.split("\n")).toEqual([
      "this change might newly deny, and whom is not known: the gate does not answer: connection refused [GH2012]",
      ...["absent", "failed", "partial", "pending", "stale", "unavailable", "unsupported"]
        .map((state) => `  rule no is stricter about scan state ${state}`)
        .sort((a, b) => verdict.message.indexOf(a) - verdict.message.indexOf(b)),
      "Ways out: deploy with mode audit first, which shows whom it would hit; or set requireImpact: false for this update.",
    ]);
  });

  test.each<[string, Partial<Proposal>, Sight]>([
    [
      "what is in force goes through in silence, so that a dead gate can be repaired",
      { after: { policy: mild, mode: "deny" } },
      mute,
    ],
    [
      "a narrower deny",
      { after: { policy: mild, mode: "deny" }, registered: from(strict) },
      sight({ impact: dead, cluster: () => Promise.resolve(running(strict, "deny")) }),
    ],
    ["mode audit", { after: { policy: strict, mode: "audit" } }, mute],
    [
      "mode audit where the cluster does not answer",
      { after: { policy: strict, mode: "audit" } },
      sight({ cluster: dead }),
    ],
    ["requireImpact: false", { requireImpact: false }, mute],
    [
      "a cluster without workloads",
      { first: true, registered: undefined },
      sight({
        cluster: () => Promise.resolve(running(mild, "deny", { gate: undefined })),
        hasWorkloads: () => Promise.resolve(false),
      }),
    ],
  ])("%s passes", async (_, more, seen) => {
    expect((await judged(more, seen))[0]).toBe(true);
  });

  test.each<[string, Partial<Proposal>, Sight, string]>([
    [
      "a first install in mode deny",
      { first: true, registered: undefined },
      sight({ cluster: () => Promise.resolve(running(mild, "deny", { gate: undefined })) }),
      "no gate runs yet",
    ],
    [
      "a cluster that does not answer",
      {},
      sight({ cluster: dead }),
      "the cluster does not answer: connection refused",
    ],
    [
      "workloads that cannot be counted",
      { first: true, registered: undefined },
      sight({
        cluster: () => Promise.resolve(running(mild, "deny", { gate: undefined })),
        hasWorkloads: dead,
      }),
      "no gate runs yet",
    ],
    [
      "an observer of another policy",
      {},
      sight({
        impact: () => Promise.resolve({ policyHash: policyHash(strict), impact: impactOf() }),
      }),
      "the gate's observer and its judges have different policies",
    ],
    [
      "a policy in force that nobody can read, since the last roll-out failed",
      {
        registered: from(strict),
        after: {
          policy: definePolicy({ rules: { no: { ...rule, onScan: states.strict, description: "x" } } }),
          mode: "deny",
        },
      },
      mute,
      "the gate does not answer: connection refused",
    ],
  ])("%s stops a deny", async (_, more, seen, why) => {
    expect(await judged(more, seen)).toEqual([
      false,
      `this change might newly deny, and whom is not known: ${why} [GH2012]`,
    ]);
  });
});

test("a second gate is refused, and the stack of the first is named", async () => {
  const other = sight({
    cluster: () =>
      Promise.resolve(
        running(mild, "audit", {
          gate: { owner: "gatehouse/other/gate", policyHash: "", mode: "audit", judging },
        }),
      ),
  });
  const first = { first: true, registered: undefined, after: { policy: mild, mode: "audit" as const } };
  expect(await judged(first, other)).toEqual([
    false,
    "the cluster has a gate already, of Pulumi stack gatehouse/other/gate [GH2015]",
  ]);
  expect((await judged({ ...first, first: false }, other))[0]).toBe(true);
});

test("break-glass leaves a line, also where nothing else is to be said", async () => {
  const glass = sight({
    cluster: () => Promise.resolve(running(mild, "deny", { emergencies: ["a.json", "b"] })),
  });
  expect(await judgeProposal({ ...proposal, after: { policy: mild, mode: "deny" } }, glass)).toEqual({
    pass: true,
    warn: true,
    message: "Break-glass: 2 in gatehouse-emergency (a.json, b). [GH2022]",
  });
  const { message } = await judgeProposal({ ...proposal, after: { policy: strict, mode: "audit" } }, glass);
  expect(message.split("\n").at(-1)).toBe("Break-glass: 2 in gatehouse-emergency (a.json, b). [GH2022]");
});

test("an old Kubernetes is refused", async () => {
  const old = sight({
    cluster: () => Promise.resolve(running(mild, "deny", { supported: false, version: "v1.30.9" })),
  });
  expect(await judged({}, old)).toEqual([
    false,
    "the cluster runs Kubernetes v1.30.9, and the gate needs 1.31 or later [GH2014]",
  ]);
});

test("a certificate authority signs only after an update in which it was trusted", async () => {
  const same = { after: { policy: mild, mode: "deny" as const } };
  const caGenerations = (...now: string[]) => ({
    ...same,
    caGenerations: now,
    registered: { policy: mild, caGenerations: ["1", "2"], running: [] },
  });
  expect(await judged(caGenerations("2"), sight())).toEqual([true, ""]);
  const { pass, message } = await judgeProposal({ ...proposal, ...caGenerations("3", "1") }, sight());
  expect([pass, message]).toEqual([
    false,
    'the certificate authority 3 would sign, and the last update did not trust it [GH2013]\nDeploy caGenerations ["1","2","3"] first, then ["3","1"].',
  ]);
});

describe("what a gate judges by", () => {
  const same = { after: { policy: mild, mode: "deny" as const } };
  const untold =
    "this change might newly deny, and whom is not known: the gate in force judges by something else, so that its answer would not hold [GH2012]";
  const changed = (more: Partial<Proposal>, seen = sight()) =>
    judgeProposal({ ...proposal, ...same, ...more }, seen);

  test.each<[string, Record<string, string | undefined>, string]>([
    ["a source more", { "source ecr": "2 bb" }, "  source ecr is new"],
    ["another source of the same name", { "source reports": "1 cc" }, "  source reports changes"],
    ["a source less", { "source reports": undefined }, "  source reports goes"],
    ["other platforms", { platforms: "linux/amd64" }, "  platforms changes"],
    ["other facts of the cluster", { cluster: '{"name":"d"}' }, "  cluster changes"],
    [
      "a namespace that is excluded no more",
      { excludedNamespaces: "gatehouse" },
      "  namespace kube-system is excluded no more",
    ],
  ])("%s is refused in mode deny, since the gate in force cannot tell", async (_, more, reason) => {
    const after = JSON.parse(JSON.stringify({ ...judging, ...more })) as typeof judging;
    const { pass, message } = await changed({ judging: after });
    expect([pass, message.split("\n").slice(0, 2)]).toEqual([false, [untold, reason]]);
    expect(message.split("\n")[2]).toContain("deploy with mode audit first");
    expect((await changed({ judging: after, requireImpact: false })).pass).toBe(true);
    expect((await changed({ judging: after, after: { policy: mild, mode: "audit" } })).pass).toBe(true);
    const empty = sight({ hasWorkloads: () => Promise.resolve(false) });
    expect((await changed({ judging: after }, empty)).pass).toBe(true);
  });

  test("more that is excluded denies nothing new", async () => {
    const after = { ...judging, excludedNamespaces: "gatehouse kube-system sandbox" };
    expect(await changed({ judging: after })).toEqual({ pass: true, warn: false, message: "" });
  });

  test("what cannot be read stops a deny, on either side", async () => {
    const old = { owner, policyHash: policyHash(mild), mode: "deny", judging: undefined };
    const silent = sight({ cluster: () => Promise.resolve(running(mild, "deny", { gate: old })) });
    expect((await changed({}, silent)).message.split("\n")[0]).toBe(untold);
    expect((await changed({ judging: undefined })).message.split("\n")[0]).toBe(untold);
  });

  test("a preview of what is not made yet says so, and leaves it to the update", async () => {
    expect(await changed({ judging: "unknown" })).toEqual({
      pass: true,
      warn: false,
      message:
        "Impact not judged: what the gate judges by is known only in the update, which asks again. [GH2021]",
    });
  });

  test("digests that may run again no more are asked about; without an answer they stop a deny", async () => {
    const [a, b] = ["shop r.example/a sha256:aa", "shop r.example/b sha256:bb"];
    const inForce = { owner, policyHash: policyHash(mild), mode: "deny" };
    const cluster = () =>
      Promise.resolve(
        running(mild, "deny", {
          gate: { ...inForce, judging: { ...judging, running: runningHash([a, b]) } },
        }),
      );
    const registered = { ...from(mild), running: [a, b] };
    const less = { registered, running: [a], judging: { ...judging, running: runningHash([a]) } };
    expect((await changed(less, sight({ cluster }, "b"))).message.split("\n")[0]).toBe(
      "this change newly denies 1 workload that nobody acknowledged [GH2011]",
    );
    const refused = await changed(less, sight({ cluster, impact: dead }));
    expect([refused.pass, refused.message.split("\n")[1]]).toEqual([
      false,
      "  1 of the digests in running may run again no more",
    ]);
    const more = [a, b, "shop r.example/c sha256:cc"];
    const wider = { registered, running: more, judging: { ...judging, running: runningHash(more) } };
    expect(await changed(wider, sight({ cluster, impact: dead }))).toEqual({
      pass: true,
      warn: false,
      message: "",
    });
    // The last update registered others and failed: what is in force is not known one by one.
    const failed = { ...wider, registered: { ...registered, running: [a] } };
    expect((await changed(failed, sight({ cluster, impact: dead }))).pass).toBe(false);
  });
});
