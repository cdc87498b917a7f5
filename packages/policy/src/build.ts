/** The builders in which policies are written. Each returns the JSON form itself. */
import type {
  Condition,
  Exemption,
  FindingFilter,
  Policy,
  Rule,
  Scope,
  StateActions,
  Duration,
} from "./model.ts";
import { InvalidInputError } from "./problems.ts";
import { incompleteStates } from "./scan.ts";
import type { IncompleteState } from "./scan.ts";
import { parsePolicy } from "./schema.ts";
import type { Outcome } from "./model.ts";

function everyState(outcome: Outcome): StateActions {
  return Object.fromEntries(incompleteStates.map((state) => [state, outcome])) as Record<
    IncompleteState,
    Outcome
  >;
}

/** Presets of what a deny rule does about scans that are not complete. Each names every state. */
export const states = {
  /** Lets them in without a word. */
  lenient: everyState("allow"),
  /** Lets them in and says so. */
  audit: everyState("audit"),
  /** Keeps them out: an image is admitted only when a scan ended. */
  strict: everyState("deny"),
} as const;

/** What a deny rule is made of. */
export interface DenyInput {
  /** One line: what it is for. Shown to whom it denies. */
  description: string;
  /** Which images of which objects. Default: all. */
  where?: Scope;
  /** Which to leave alone. */
  except?: Scope | readonly Scope[];
  /** What must hold of a scan for the rule to act; builders such as `findings` make it. */
  when: Condition;
  /** What to do about each scan state that is not complete; `states` has presets. */
  onScan: StateActions;
  /** Lets what already runs be scheduled again for a while. */
  running?: { admitUntil: string };
  /** @default true */
  enabled?: boolean;
}

/** What an audit rule is made of. It audits every scan that is not complete. */
export type AuditInput = Omit<DenyInput, "onScan" | "running">;

/** A rule that keeps an image out. */
export function deny(input: DenyInput): Rule {
  return { enabled: true, ...input, action: "deny" };
}

/** A rule that admits with a warning. */
export function audit(input: AuditInput): Rule {
  return { enabled: true, ...input, action: "audit", onScan: states.audit };
}

/**
 * Holds when at least `atLeast` (default 1) findings each meet all filters.
 * @example findings({ minSeverity: "critical", fixAvailableFor: "14d" })
 */
export function findings(filter: FindingFilter & { atLeast?: number }): Condition {
  return { findings: filter };
}

/** Holds when one of them does. */
export function anyOf(...conditions: readonly [Condition, ...Condition[]]): Condition {
  return { anyOf: conditions };
}

/** Holds when all of them do. */
export function allOf(...conditions: readonly [Condition, ...Condition[]]): Condition {
  return { allOf: conditions };
}

/** Holds when the scan ended longer ago than this. */
export function scanOlderThan(olderThan: Duration): Condition {
  return { scanAge: { olderThan } };
}

/** Holds when the image was built (or pushed, where the build time is not known) longer ago than this. */
export function imageOlderThan(
  olderThan: Duration,
  options: { ifUnknown?: "match" | "skip" } = {},
): Condition {
  return { imageAge: { olderThan, ...options } };
}

/** Holds when nobody vouches for the report. */
export function unsignedReport(): Condition {
  return { unsignedReport: {} };
}

/** An exemption that may name only rules of `Name`. */
export type ExemptionFor<Name extends string> = Omit<Exemption, "rules"> & { rules?: readonly Name[] };

type Ending = { until: string; permanent?: never } | { permanent: true; until?: never };

type ExemptionInput = Omit<Exemption, "rules" | "until" | "permanent"> & Ending;

/** Takes findings, states or whole images out of rules, for a reason and a while. */
export function exempt<const Name extends string>(
  input: ExemptionInput & { rules: readonly Name[] },
): ExemptionFor<Name>;
/** Without `rules`, out of every rule. */
export function exempt(input: ExemptionInput & { rules?: never }): ExemptionFor<never>;
/** The input is the exemption; what is added is its type, by which `definePolicy` misses rules that are not there. */
export function exempt(input: ExemptionInput & { rules?: readonly string[] }): ExemptionFor<string> {
  return input;
}

/** What `definePolicy` takes. */
export interface PolicyInput<Rules extends Readonly<Record<string, Rule>>> {
  /** Rules by name: lower-case letters, digits and dashes. */
  rules: Rules;
  /** By name. One that names a rule can only name one that the policy has. */
  exemptions?: Readonly<Record<string, ExemptionFor<(keyof Rules & string) | "default">>>;
  /** VEX statements; `readVex` makes them of OpenVEX and CycloneDX documents. */
  vex?: Policy["vex"];
  /**
   * One line that tells a denied developer how to get an exemption.
   * @default "Ask your platform team for an exemption."
   */
  exemptionHelp?: string;
  /**
   * Whether the default rule (audit High and Critical, everywhere) is part of the policy.
   * @default true
   */
  defaultRule?: boolean;
}

/** The rule every policy starts with: audits High and Critical, everywhere. */
export const defaultRule: Rule = audit({
  description: "High and critical vulnerabilities, and images without a finished scan, are reported",
  when: findings({ minSeverity: "high" }),
});

/**
 * Makes a policy of rules and exemptions.
 * @throws InvalidInputError that lists all that is wrong
 */
export function definePolicy<const Rules extends Readonly<Record<string, Rule>>>(
  input: PolicyInput<Rules>,
): Policy {
  const withDefault = input.defaultRule !== false;
  if (withDefault && Object.hasOwn(input.rules, "default"))
    throw new InvalidInputError("GH3004", "the policy", [
      {
        path: "rules.default",
        problem: "this name is the default rule's; rename it, or set defaultRule: false",
      },
    ]);
  const parsed = parsePolicy({
    version: 1,
    rules: { ...(withDefault ? { default: defaultRule } : {}), ...input.rules },
    exemptions: input.exemptions ?? {},
    vex: input.vex ?? [],
    exemptionHelp: input.exemptionHelp ?? "Ask your platform team for an exemption.",
  });
  if (!parsed.ok) throw new InvalidInputError("GH3004", "the policy", parsed.problems);
  return parsed.policy;
}
