/** Which namespaces are judged: all but those that are named, whatever anybody writes on them. */
import type { ValidatingWebhookConfiguration } from "kubernetes-types/admissionregistration/v1.d.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apply, get, kubectl } from "../cluster/testing/kubernetes.ts";
import { vulnerable } from "./reports.ts";
import { startWorld, type World } from "./world.ts";
import { workload } from "./workloads.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.up({ excludedNamespaces: ["kube-system", "kube-node-lease", "kube-public", "network-system"] });
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
});

const namespace = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});

/** How the creation of a vulnerable Deployment ends. */
async function verdict(place: string, metadata: object = {}): Promise<string> {
  const object = workload("Deployment", "probe", vulnerable.reference, {
    namespace: place,
    metadata: { ...metadata },
  });
  const { code, stdout, stderr } = await world.create(object, "--dry-run=server");
  if (code === 0) return `${stdout}${stderr}`.trim();
  return stderr.includes("denied the request: Gatehouse denied") ? "denied" : stderr;
}

/** What the clouds' own namespaces and other gates' exceptions look like. */
const tricks: Readonly<Record<string, string>> = {
  "control-plane": "true",
  "kubernetes.azure.com/managedby": "aks",
  "admission.gatehouse.dev/ignore": "true",
  "gatehouse.dev/exclude": "true",
  "app.kubernetes.io/name": "gatehouse",
  "app.kubernetes.io/part-of": "gatehouse",
  "admissions.enforcer/disabled": "true",
  "kubernetes.io/cluster-service": "true",
  "pod-security.kubernetes.io/enforce": "privileged",
};

test("a namespace that labels itself with anything is judged", async () => {
  await apply(world.cluster, namespace("sly", tricks));
  expect(await verdict("sly")).toBe("denied");
  expect(await verdict("sly", { labels: tricks, annotations: tricks })).toBe("denied");
});

test("the name that every namespace bears as a label is the server's to write", async () => {
  const label = "kubernetes.io/metadata.name=kube-system";
  await world.cluster.kubectl(["label", "namespace", "sly", "--overwrite", label]);
  const { metadata } = await get<{ metadata: { labels: Record<string, string> } }>(
    world.cluster,
    "namespace",
    "sly",
  );
  expect(metadata.labels["kubernetes.io/metadata.name"]).toBe("sly");
  expect(await verdict("sly")).toBe("denied");
});

test("excluded are the named ones and no others", async () => {
  await apply(world.cluster, namespace("network-system"), namespace("kube-systems"), namespace("kube-syste"));
  const places = ["kube-system", "kube-node-lease", "kube-public", "network-system"];
  for (const place of places)
    expect(await verdict(place)).toBe("deployment.apps/probe created (server dry run)");
  for (const place of ["default", "kube-systems", "kube-syste"]) expect(await verdict(place)).toBe("denied");
});

test("nothing else runs in the gate's own namespace, which it does not judge", async () => {
  const restricted = {
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
  };
  const pod = workload("Pod", "guest", vulnerable.reference, { namespace: "gatehouse", podSpec: restricted });
  const [container] = (pod["spec"] as { containers: Record<string, unknown>[] }).containers;
  Object.assign(container ?? {}, {
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
  });
  const said = await world.create(pod);
  expect(said.code).toBe(1);
  expect(said.stderr).toContain("only the gate's own images run in namespace gatehouse");
});

/** What AKS's enforcer writes into every webhook, as its field manager (Azure/AKS#4002). */
const enforced = {
  matchExpressions: [
    { key: "control-plane", operator: "NotIn", values: ["true"] },
    { key: "kubernetes.azure.com/managedby", operator: "NotIn", values: ["aks"] },
  ],
};

test("after the AKS enforcer's patch an update of another field succeeds, and the patch stays", async () => {
  for (const kind of ["validatingwebhookconfiguration", "mutatingwebhookconfiguration"]) {
    const name = kind.startsWith("validating") ? "gatehouse" : "gatehouse-pin";
    const patch = [{ op: "replace", path: "/webhooks/0/namespaceSelector", value: enforced }];
    const enforcer = "--field-manager=admissionsenforcer";
    await kubectl(world.cluster, "patch", kind, name, "--type=json", enforcer, "-p", JSON.stringify(patch));
  }
  const asNamed = { excludedNamespaces: ["kube-system", "kube-node-lease", "kube-public", "network-system"] };
  await world.up({ ...asNamed, timeoutSeconds: 7 });
  const { webhooks } = await get<ValidatingWebhookConfiguration>(
    world.cluster,
    "validatingwebhookconfiguration",
    "gatehouse",
  );
  expect(webhooks?.map(({ timeoutSeconds }) => timeoutSeconds)).toEqual([7]);
  expect(webhooks?.map(({ namespaceSelector }) => namespaceSelector)).toEqual([enforced]);
  expect(await world.stack.diff()).toBe("");
  expect(await verdict("default")).toBe("denied");
});
