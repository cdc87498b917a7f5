import { KubeError } from "@gatehouse/kube";
import { createFakeApi } from "@gatehouse/kube/testing";
import { definePolicy, deny, findings, policyHash, states } from "@gatehouse/policy";
import { expect, test } from "vitest";
import type { GateArgs } from "../args.ts";
import { annotations, GATE_TYPE, VALIDATING_NAME } from "../names.ts";
import { settingsOf } from "../settings.ts";
import { whyNotReady } from "./explain-failure.ts";
import { guard, type GuardedChange } from "./hook.ts";

const policy = definePolicy({
  rules: {
    no: deny({
      description: "No criticals",
      when: findings({ minSeverity: "critical" }),
      onScan: states.audit,
    }),
  },
});
const judging = { platforms: "nodes" };
const unknown = { __pulumiUnknown: true };

function guardOf(args: Partial<GateArgs>, connect: Parameters<typeof guard>[0]["connection"]["connect"]) {
  const settings = settingsOf({ policy, cluster: { name: "c" }, ...args });
  const shown: string[] = [];
  const inputs = { policy, mode: settings.mode, caGenerations: settings.caGenerations, running: [] };
  const run = guard(
    {
      name: "gate",
      settings,
      inputs,
      connection: { marker: "kubeconfig", connect },
      judging: { known: () => judging },
    },
    (severity, message) => {
      shown.push(`${severity}: ${message.split("\n")[0]}`);
      return Promise.resolve();
    },
  );
  return { run, shown };
}

const change = (more: Partial<GuardedChange> = {}): GuardedChange => ({
  urn: "urn:pulumi:s::p::t::gate",
  type: GATE_TYPE,
  newInputs: { connection: "kubeconfig" },
  ...more,
});

const nobody = () => Promise.reject(new KubeError({ code: "unavailable", detail: "connection refused" }));

test("a cluster that does not exist yet is asked nothing, by its children neither", async () => {
  const { run, shown } = guardOf({ mode: "deny" }, nobody);
  await run(change({ newInputs: { connection: unknown } }));
  await run(change({ type: "kubernetes:apps/v1:Deployment", newInputs: {} }));
  expect(shown).toEqual(["info: Impact not judged: the cluster does not exist yet. [GH2021]"]);
});

test("a refusal is thrown to each resource that asks, and the cluster is asked once", async () => {
  let asked = 0;
  const { run, shown } = guardOf({ mode: "deny" }, () => {
    asked += 1;
    return nobody();
  });
  const refused = "this change might newly deny, and whom is not known: the cluster does not answer";
  await expect(run(change())).rejects.toThrow(refused);
  await expect(run(change({ type: "kubernetes:apps/v1:Deployment" }))).rejects.toThrow(refused);
  expect([asked, shown]).toEqual([1, []]);
});

test("what passes is said once", async () => {
  const { run, shown } = guardOf({}, nobody);
  await run(change());
  await run(change({ type: "kubernetes:apps/v1:Deployment" }));
  expect(shown).toEqual([
    "info: Impact not judged: the cluster does not answer: unavailable: connection refused. The change denies nothing new. [GH2021]",
  ]);
});

test("policy and mode in force go through in silence, whatever the state holds", async () => {
  const api = createFakeApi();
  api.put({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: {
      name: VALIDATING_NAME,
      annotations: {
        [annotations.policyHash]: policyHash(policy),
        [annotations.mode]: "deny",
        [annotations.judging]: JSON.stringify(judging),
        [annotations.owner]: "p/s/gate",
      },
    },
  });
  const { run, shown } = guardOf({ mode: "deny" }, () => Promise.resolve(api.kube()));
  await run(
    change({
      oldInputs: { policy: { ...policy, exemptionHelp: "another" }, mode: "deny", caGenerations: ["1"] },
    }),
  );
  expect(shown).toEqual([]);
});

test("a replica that ended is quoted, without control characters; one that works is not", async () => {
  const api = createFakeApi();
  const pod = (name: string, status: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "gatehouse",
      labels: { "app.kubernetes.io/name": "gatehouse", "app.kubernetes.io/component": "judge" },
    },
    spec: { containers: [{ name: "judge", image: "x" }] },
    status: { containerStatuses: [status] },
  });
  for (const one of [
    pod("a", { ready: true, lastState: { terminated: { message: "old", exitCode: 1 } } }),
    pod("b", {
      ready: false,
      lastState: { terminated: { message: "the policy has a problem:\n  rules.x\u001b[31m\n", exitCode: 1 } },
    }),
    pod("c", { ready: false, state: { waiting: { reason: "ContainerCreating" } } }),
    pod("d", { ready: false, state: { waiting: { reason: "ImagePullBackOff", message: "no such image" } } }),
    pod("e", { ready: false, state: { terminated: { exitCode: 137 } } }),
  ])
    api.put(one);
  const said = await whyNotReady(api.kube(), "gatehouse");
  expect(said).toHaveLength(3);
  expect(said[0]?.split("\n")[0]).toBe("the policy has a problem:");
  expect(said[0]).not.toContain("\u001b");
  expect(said.slice(1)).toEqual([
    "ImagePullBackOff: no such image",
    "it ended with exit code 137 without a word",
  ]);
});
