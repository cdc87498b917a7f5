import { Environment } from "@marcbachmann/cel-js";
import { describe, expect, test } from "vitest";
import { namespaceLabelsPolicy } from "./namespace-labels.ts";

/** What the API server's authorizer offers to expressions; it answers for one caller. */
class Asked {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

function evaluate(variables: { object: unknown; oldObject: unknown; authorised: boolean }): boolean {
  const environment = new Environment({ unlistedVariablesAreDyn: true })
    .registerType("Asked", Asked)
    .registerFunction(
      "Asked.group(string): Asked",
      (of: Asked, text: string) => new Asked(`${of.path}${text}`),
    )
    .registerFunction(
      "Asked.resource(string): Asked",
      (of: Asked, text: string) => new Asked(`${of.path}/${text}`),
    )
    .registerFunction(
      "Asked.name(string): Asked",
      (of: Asked, text: string) => new Asked(`${of.path}/${text}`),
    )
    .registerFunction(
      "Asked.check(string): Asked",
      (of: Asked, text: string) => new Asked(`${text} ${of.path}`),
    )
    .registerFunction(
      "Asked.allowed(): bool",
      ({ path }: Asked) =>
        variables.authorised &&
        path === "update admissionregistration.k8s.io/validatingwebhookconfigurations/gatehouse",
    );
  const [validation] = namespaceLabelsPolicy().validations as { expression: string }[];
  const answer: unknown = environment.evaluate(validation?.expression ?? "", {
    object: variables.object,
    oldObject: variables.oldObject,
    authorizer: new Asked(""),
  });
  if (typeof answer !== "boolean") throw new Error(`expected true or false, got ${String(answer)}`);
  return answer;
}

const namespace = (labels?: Record<string, string>) => ({
  metadata: labels === undefined ? { name: "shop" } : { name: "shop", labels },
});

describe("labels by which AKS lets a namespace out", () => {
  test.each<[string, unknown, unknown, boolean]>([
    ["a namespace without labels", namespace(), null, true],
    ["other labels", namespace({ team: "shop" }), null, true],
    ["control-plane on creation", namespace({ "control-plane": "true" }), null, false],
    ["control-plane with any value", namespace({ "control-plane": "controller-manager" }), null, false],
    ["managedby on creation", namespace({ "kubernetes.azure.com/managedby": "aks" }), null, false],
    ["control-plane added", namespace({ "control-plane": "true" }), namespace(), false],
    ["managedby added", namespace({ "kubernetes.azure.com/managedby": "aks" }), namespace({ a: "b" }), false],
    ["a value changed", namespace({ "control-plane": "true" }), namespace({ "control-plane": "no" }), false],
    [
      "a label that it has",
      namespace({ "control-plane": "true", team: "new" }),
      namespace({ "control-plane": "true" }),
      true,
    ],
    [
      "one that it has, and the other added",
      namespace({ "control-plane": "true", "kubernetes.azure.com/managedby": "aks" }),
      namespace({ "control-plane": "true" }),
      false,
    ],
    ["a label taken away", namespace(), namespace({ "control-plane": "true" }), true],
  ])("%s", (_, object, oldObject, allowed) => {
    expect(evaluate({ object, oldObject, authorised: false })).toBe(allowed);
    expect(evaluate({ object, oldObject, authorised: true })).toBe(true);
  });

  test("subresources are covered, and an error refuses", () => {
    const { failurePolicy, matchConstraints } = namespaceLabelsPolicy();
    expect({ failurePolicy, matchConstraints }).toEqual({
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: [""],
            apiVersions: ["v1"],
            resources: ["namespaces", "namespaces/finalize", "namespaces/status"],
            operations: ["CREATE", "UPDATE"],
            scope: "Cluster",
          },
        ],
      },
    });
  });
});
