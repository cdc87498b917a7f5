import type { Outcome, Ruling } from "@gatehouse/policy";

/** What the gate makes of a workload. */
export interface Verdict {
  readonly action: Outcome;
  /** What mode deny would do. */
  readonly inDenyMode: Outcome;
  /** Rules that ask for that. */
  readonly rules: readonly string[];
}

/** A ruling without the images it was made of, which are many. */
export function verdictOf({ action, inDenyMode, images }: Ruling): Verdict {
  const rules = new Set<string>();
  for (const image of images)
    for (const { rule, outcome } of image.rules)
      if (outcome !== "allow" && outcome === inDenyMode) rules.add(rule);
  return { action, inDenyMode, rules: [...rules].sort() };
}
