/** AKS's guard on namespaces' labels, at a real API server: who may set them, who may not, and by which ways. */
import { namespaceLabelsPolicy } from "@gatehouse/azure/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, type Cluster } from "../cluster/cluster.ts";
import { reportProgress } from "../cluster/progress.ts";
import { apply } from "../cluster/testing/kubernetes.ts";
import { eventually } from "../cluster/testing/eventually.ts";

let cluster: Cluster;
const name = "namespace-labels";

/** Rights of a user, given by a role of the same name. */
const rights = (user: string, rules: object[]) => [
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: user }, rules },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: user },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: user },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
  },
];
const namespaces = {
  apiGroups: [""],
  resources: ["namespaces", "namespaces/status", "namespaces/finalize"],
  verbs: ["create", "get", "update", "patch"],
};
const registration = {
  apiGroups: ["admissionregistration.k8s.io"],
  resources: ["validatingwebhookconfigurations"],
  verbs: ["update"],
  resourceNames: ["gatehouse"],
};

/** Creates a namespace as a user, on trial; says whether it was refused by the guard. */
async function refused(user: string, labels: Record<string, string>): Promise<boolean> {
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "trial", labels } };
  const args = ["create", "--dry-run=server", `--as=${user}`, "-f", "-"];
  return byGuard(await cluster.kubectl(args, JSON.stringify(object)));
}

function byGuard({ code, stderr }: { code: number; stderr: string }): boolean {
  if (code === 0) return false;
  if (stderr.includes("AKS keeps namespaces with the labels")) return true;
  throw new Error(stderr);
}

beforeAll(async () => {
  cluster = await startCluster({ onBuild: reportProgress(process.stderr) });
  const objects = [
    ...rights("dev", [namespaces]),
    ...rights("ops", [namespaces, registration]),
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { team: "shop" } } },
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name },
      spec: namespaceLabelsPolicy(),
    },
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name },
      spec: { policyName: name, validationActions: ["Deny"] },
    },
  ];
  for (const object of objects) await apply(cluster, object);
  await eventually(async () => {
    if (!(await refused("dev", { "control-plane": "true" }))) throw new Error("not in force yet");
  });
}, 1_800_000);

afterAll(async () => {
  await cluster?.stop();
});

test("who may not update the gate's registration sets neither label, whatever its value", async () => {
  expect(await refused("dev", { team: "shop" })).toBe(false);
  expect(await refused("dev", {})).toBe(false);
  expect(await refused("dev", { "control-plane": "controller-manager" })).toBe(true);
  expect(await refused("dev", { "kubernetes.azure.com/managedby": "aks" })).toBe(true);
});

test("who may, and an administrator of the cluster, set both", async () => {
  const both = { "control-plane": "true", "kubernetes.azure.com/managedby": "aks" };
  expect(await refused("ops", both)).toBe(false);
  const admin = ["label", "namespace", "shop", "--dry-run=server", "control-plane=true"];
  expect(byGuard(await cluster.kubectl(admin))).toBe(false);
});

test("a namespace that is there gets neither, by its subresource neither", async () => {
  const label = ["label", "namespace", "shop", "--as=dev", "--dry-run=server", "--overwrite"];
  expect(byGuard(await cluster.kubectl([...label, "control-plane=true"]))).toBe(true);
  expect(byGuard(await cluster.kubectl([...label, "team=web"]))).toBe(false);
  const patch = JSON.stringify({ metadata: { labels: { "control-plane": "true" } } });
  const status = ["patch", "namespace", "shop", "--subresource=status", "--as=dev", "--dry-run=server"];
  expect(byGuard(await cluster.kubectl([...status, "--type=merge", "-p", patch]))).toBe(true);
});

test("a namespace that has a label keeps it, may lose it, and may not change it", async () => {
  await cluster.kubectl(["create", "namespace", "system"]);
  await cluster.kubectl(["label", "namespace", "system", "control-plane=true"]);
  const label = ["label", "namespace", "system", "--as=dev", "--dry-run=server", "--overwrite"];
  expect(byGuard(await cluster.kubectl([...label, "team=web"]))).toBe(false);
  expect(byGuard(await cluster.kubectl([...label, "control-plane=false"]))).toBe(true);
  expect(byGuard(await cluster.kubectl([...label, "control-plane-"]))).toBe(false);
});
