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
  expect(message.split("\n")[0]).toBe("The settings of stack prod must be mended (Pulumi.prod.yaml):");
  for (const place of ["cloud", "mode", "replicas", "clusterName", "clustername"])
    expect(message).toMatch(new RegExp(`^  ${place}: `, "m"));
  expect(message).toContain("An example is in Pulumi.local.yaml");
});
