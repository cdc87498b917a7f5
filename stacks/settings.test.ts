import { RunError } from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

const least = { "gatehouse:cloud": "local", "gatehouse:clusterName": "shop" };

test("what is left out has its default", () => {
  expect(readSettings({ ...least, "kubernetes:context": "other" }, "local")).toEqual({
    cloud: "local",
    clusterName: "shop",
    mode: "audit",
    requireImpact: true,
  });
});

test("structures arrive as JSON", () => {
  expect(
    readSettings(
      {
        ...least,
        "gatehouse:mode": "deny",
        "gatehouse:labels": '{"tier":"prod"}',
        "gatehouse:replicas": "3",
        "gatehouse:requireImpact": "false",
        "gatehouse:acknowledged": '{"no":["shop/Deployment/web"]}',
        "gatehouse:metricsFrom":
          '[{"namespace":"monitoring","podLabels":{"app":"prometheus"}},{"cidr":"10.0.0.0/8"}]',
        "gatehouse:eventSink": '{"url":"https://events.example","headers":{"x-key":"k"}}',
        "gatehouse:clusterState": '{"events":"all"}',
        "gatehouse:observerResources": '{"memory":"1Gi"}',
      },
      "local",
    ),
  ).toEqual({
    cloud: "local",
    clusterName: "shop",
    mode: "deny",
    labels: { tier: "prod" },
    replicas: 3,
    requireImpact: false,
    acknowledged: { no: ["shop/Deployment/web"] },
    metricsFrom: [{ namespace: "monitoring", podLabels: { app: "prometheus" } }, { cidr: "10.0.0.0/8" }],
    eventSink: { url: "https://events.example", headers: { "x-key": "k" } },
    clusterState: { events: "all" },
    observerResources: { memory: "1Gi" },
  });
});

test("one error names all that is missing, wrong or unknown, and where an example is", () => {
  let error: unknown;
  try {
    readSettings(
      {
        "gatehouse:cloud": "moon",
        "gatehouse:mode": "enforce",
        "gatehouse:replicas": "many",
        "gatehouse:clustername": "shop",
      },
      "prod",
    );
  } catch (caught) {
    error = caught;
  }
  expect(RunError.isInstance(error)).toBe(true);
  const { message } = error as Error;
  expect(message.split("\n")[0]).toBe(
    "The settings of stack prod must be mended (Pulumi.prod.yaml) [GH2002]:",
  );
  for (const place of ["cloud", "mode", "replicas", "clusterName", "clustername"])
    expect(message).toMatch(new RegExp(`^  ${place}: `, "m"));
  expect(message).toContain("Examples are in Pulumi.local.yaml");
});

test("a cluster of a cloud says where it is, and names what its gate reads", () => {
  const config = {
    "gatehouse:cloud": "gke",
    "gatehouse:clusterName": "shop",
    "gatehouse:gke": '{"location":"europe-west1"}',
    "gatehouse:ecr": '{"repositories":["r"],"oidcProvider":{"create":true}}',
  };
  expect(readSettings(config, "gke")).toEqual({
    cloud: "gke",
    clusterName: "shop",
    mode: "audit",
    requireImpact: true,
    gke: { location: "europe-west1" },
    ecr: { repositories: ["r"], oidcProvider: { create: true } },
  });
  const { "gatehouse:gke": _, ...without } = config;
  expect(() => readSettings(without, "gke")).toThrow("  gke: expected where the cluster is, got nothing");
  expect(() => readSettings({ ...config, "gatehouse:ecr": '{"repository":["r"]}' }, "gke")).toThrow(
    "  ecr.repository: no such field",
  );
});
