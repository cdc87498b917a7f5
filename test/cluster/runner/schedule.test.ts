import type { Node, Pod } from "kubernetes-types/core/v1.d.ts";
import { expect, test } from "vitest";
import { chooseNode } from "./schedule.ts";

function node(name: string, labels: Record<string, string> = {}, taints: string[] = []): Node {
  return {
    metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } },
    spec: { taints: taints.map((key) => ({ key, effect: "NoSchedule" })) },
  };
}

function pod(
  spec: Partial<NonNullable<Pod["spec"]>> = {},
  labels: Record<string, string> = { app: "a" },
): Pod {
  return { metadata: { namespace: "n", name: "p", labels }, spec: { containers: [], ...spec } };
}

const spread = {
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: "kubernetes.io/hostname",
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { app: "a" } },
    },
  ],
};

test("the emptiest node is chosen, by name among equals", () => {
  const nodes = [node("b"), node("a"), node("c")];
  expect(chooseNode(pod(), nodes, [])).toEqual({ node: "a" });
  expect(chooseNode(pod(), nodes, [pod({ nodeName: "a" })])).toEqual({ node: "b" });
});

test("selectors, affinity by node name and taints are respected", () => {
  const nodes = [node("a", { arch: "amd64" }), node("b", { arch: "arm64" }, ["cordoned"])];
  expect(chooseNode(pod({ nodeSelector: { arch: "arm64" } }), nodes, [])).toEqual({
    reason:
      "0/2 nodes are available: 1 didn't match Pod's node affinity/selector, 1 had untolerated taint {cordoned: }.",
  });
  const byName = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["b"] }] }],
      },
    },
  };
  const tolerations = [{ key: "cordoned", operator: "Exists" }];
  expect(chooseNode(pod({ affinity: byName, tolerations }), nodes, [])).toEqual({ node: "b" });
});

test("spread counts tainted nodes, so that Pods wait for them rather than pile up", () => {
  const nodes = [node("a"), node("b", {}, ["not-ready"])];
  expect(chooseNode(pod(spread), nodes, [])).toEqual({ node: "a" });
  expect(chooseNode(pod(spread), nodes, [pod({ nodeName: "a" })])).toEqual({
    reason:
      "0/2 nodes are available: 1 had untolerated taint {not-ready: }, 1 didn't match pod topology spread constraints.",
  });
});

test("a constraint that is not known keeps the Pod from being scheduled", () => {
  const affinity = {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "kubernetes.io/hostname" }],
    },
  };
  expect(chooseNode(pod({ affinity }), [node("a")], [])).toEqual({
    reason: "this scheduler cannot honour required Pod anti-affinity",
  });
});
