import { expect, test } from "vitest";
import { neededExtensions, planProblems } from "./defender-plan.ts";

const extensions = neededExtensions.map((name) => ({ name, isEnabled: "True" }));

test("a plan must be on, with both extensions that the gate lives on", () => {
  expect(planProblems({ pricingTier: "Standard", extensions }, "s")).toEqual([]);
  expect(planProblems({ pricingTier: "Free", extensions }, "s")).toEqual([
    {
      path: "defenderPlan",
      problem:
        'expected the plan Defender for Containers to be on in subscription s, got Free; turn it on, or give { create: true, subscription: "s" }',
    },
  ]);
  const off = [{ name: "ContainerIntegrityContribution", isEnabled: "False" }];
  for (const some of [{ extensions: off }, {}])
    expect(planProblems({ pricingTier: "Standard", ...some }, "s").map(({ problem }) => problem)).toEqual(
      neededExtensions.map(
        (name) =>
          `expected the extension ${name} of Defender for Containers to be on in subscription s, got it off`,
      ),
    );
});
