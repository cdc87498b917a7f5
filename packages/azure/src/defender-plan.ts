import type { Problem } from "@gatehouse/policy";

/** The plan's name. */
export const CONTAINERS_PLAN = "Containers";

/**
 * Extensions of the plan that the gate lives on: the first scans images in registries, the second puts the signed
 * report beside the image, which the gate reads.
 */
export const neededExtensions = [
  "ContainerRegistriesVulnerabilityAssessments",
  "ContainerIntegrityContribution",
] as const;

/** What matters of how Azure describes a plan. */
export interface PlanDescription {
  readonly pricingTier: string;
  readonly extensions?: readonly { readonly name: string; readonly isEnabled: string }[];
}

/** What keeps a subscription's images from being scanned, or the gate from reading it. */
export function planProblems(plan: PlanDescription, subscription: string): Problem[] {
  const path = "defenderPlan";
  if (plan.pricingTier !== "Standard")
    return [
      {
        path,
        problem: `expected the plan Defender for Containers to be on in subscription ${subscription}, got ${plan.pricingTier}; turn it on, or give { create: true, subscription: "${subscription}" }`,
      },
    ];
  const on = new Set(
    (plan.extensions ?? [])
      .filter(({ isEnabled }) => isEnabled === "True")
      .map((extension) => extension.name),
  );
  return neededExtensions
    .filter((extension) => !on.has(extension))
    .map((extension) => ({
      path,
      problem: `expected the extension ${extension} of Defender for Containers to be on in subscription ${subscription}, got it off`,
    }));
}
