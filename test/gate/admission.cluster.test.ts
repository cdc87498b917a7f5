/** What somebody who deploys reads, what is left as a trace, and that what was judged is what runs. */
import { GateMode } from "@gatehouse/gate";
import { policyHash } from "@gatehouse/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { apply, get, podsOf } from "../cluster/testing/kubernetes.ts";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { admissionEvents } from "./events.ts";
import { clean, finding, vulnerable } from "./reports.ts";
import { startWorld, strictPolicy, type World } from "./world.ts";
import { workload } from "./workloads.ts";

let world: World;
/** Where tags lead now, for a node that pulls by tag. */
const registry = new Map([[clean.reference, clean.digest]]);
const hash = policyHash(strictPolicy());

beforeAll(async () => {
  world = await startWorld({
    resolveImage: (reference) => registry.get(reference) ?? `sha256:${"e".repeat(64)}`,
  });
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
});

/** What the API server's audit log keeps of the creation of an object. */
async function annotationsOf(name: string): Promise<Readonly<Record<string, string>>> {
  return eventually(async () => {
    const events = (await world.cluster.auditLog()).filter(
      ({ verb, objectRef }) => verb === "create" && objectRef?.name === name,
    );
    expect(events).toHaveLength(1);
    return events[0]?.annotations ?? {};
  });
}

const eventOf = (name: string) =>
  eventually(async () => {
    const events = (await admissionEvents(world.cluster)).filter(({ data }) => data.object.name === name);
    expect(events).toHaveLength(1);
    return events[0]?.data;
  });

test("mode audit admits, warns, and says everywhere what mode deny would have done", async () => {
  await world.up({ mode: GateMode.Audit });
  const object = workload("Deployment", "audited", vulnerable.reference);
  expect(await world.create(object, "--as=jane", "--as-group=system:masters")).toEqual({
    code: 0,
    stdout: "deployment.apps/audited created\n",
    stderr: `Warning: [GH1001] deny mode would refuse ${vulnerable.reference} (no-criticals): CVE-2026-0001\n`,
  });

  const annotations = Object.entries(await annotationsOf("audited"));
  expect(
    Object.fromEntries(annotations.filter(([key]) => key.startsWith("validate.gatehouse.dev/"))),
  ).toMatchObject({
    "validate.gatehouse.dev/decision": "audit",
    "validate.gatehouse.dev/in-deny-mode": "deny",
    "validate.gatehouse.dev/code": "GH1001",
    "validate.gatehouse.dev/policy": hash,
  });
  expect(annotations.filter(([key]) => key.startsWith("failed-open."))).toEqual([]);

  expect(await eventOf("audited")).toMatchObject({
    cluster: { name: "test" },
    request: { operation: "CREATE", user: "jane", groups: ["system:masters", "system:authenticated"] },
    object: { apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: "audited" },
    owner: { resolved: true, kind: "Deployment", name: "audited" },
    mode: "audit",
    action: "audit",
    inDenyMode: "deny",
    code: "GH1001",
    policyHash: hash,
    images: [
      {
        reference: vulnerable.reference,
        digest: vulnerable.digest,
        state: "complete",
        outcome: "deny",
        deciding: [{ id: finding.VulnerabilityID, package: "openssl", fixedIn: "3.0.2" }],
        rules: [{ rule: "no-criticals", outcome: "deny", code: "GH1001" }],
      },
    ],
  });
});

test("mode audit pins nothing", async () => {
  expect((await world.create(workload("Pod", "as-written", clean.reference))).stderr).toBe("");
  const pod = await get<Pod>(world.cluster, "pod", "as-written");
  expect(pod.spec?.containers.map(({ image }) => image)).toEqual([clean.reference]);
});

test("mode deny refuses with image, findings, fixed versions, rule and the way to an exemption", async () => {
  await world.up({ mode: GateMode.Deny });
  const refused = await world.create(workload("Deployment", "refused", vulnerable.reference));
  expect({ ...refused, stderr: refused.stderr.split("\n") }).toEqual({
    code: 1,
    stdout: "",
    stderr: [
      'Error from server: error when creating "STDIN": admission webhook "validate.gatehouse.dev" denied the request: Gatehouse denied Deployment default/refused [GH1001]',
      "",
      `Image ${vulnerable.reference}`,
      `  Digest: ${vulnerable.digest}`,
      "  In: container app at spec.template.spec.containers[0].image",
      "  Rule no-criticals: Criticals do not ship [GH1001]",
      "    1 finding (scanned 2026-11-20T10:00:00Z, reports):",
      "      CVE-2026-0001, critical, in openssl 3.0.1, fixed in 3.0.2",
      "",
      "Exemption: Ask in #security",
      "",
    ],
  });
  expect(await eventOf("refused")).toMatchObject({ mode: "deny", action: "deny", inDenyMode: "deny" });
  expect(await annotationsOf("refused")).toMatchObject({ "validate.gatehouse.dev/decision": "deny" });
});

test("Pods run what was judged, also when the tag is moved before they start", async () => {
  const pinned = `${clean.reference}@${clean.digest}`;
  // No node fits yet, so that the tag can move between admission and start.
  await apply(
    world.cluster,
    workload("Deployment", "pinned", clean.reference, { podSpec: { nodeSelector: { later: "yes" } } }),
  );
  const waiting = await eventually(async () => {
    const pods = await podsOf(world.cluster, "pinned");
    expect(pods.map(({ status }) => status?.phase)).toEqual(["Pending"]);
    return pods;
  });
  expect(waiting.map(({ spec }) => spec?.containers[0]?.image)).toEqual([pinned]);
  registry.set(clean.reference, vulnerable.digest);
  await world.cluster.kubectl(["label", "node", "node-1", "later=yes"]);
  await eventually(async () => {
    const pods = await podsOf(world.cluster, "pinned");
    expect(pods.map(({ status }) => status?.containerStatuses?.[0]?.imageID)).toEqual([
      expect.stringMatching(new RegExp(`@?${clean.digest}$`)),
    ]);
  });
  // The owner is as its author wrote it: nothing drifts for whoever applies it again.
  const { spec } = await get<{ spec: { template: Pod } }>(world.cluster, "deployment", "pinned");
  expect(spec.template.spec?.containers[0]?.image).toBe(clean.reference);
});
