/** What must hold of every policy, whatever it says. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { decide, referencesToScan, severer } from "./decide.ts";
import { exemption, finding, now, rule, scans, subject } from "./fixtures/arbitraries.ts";
import type { Exemption, Policy, Rule } from "./model.ts";
import { parsePolicy } from "./schema.ts";
import type { Scans } from "./scan.ts";

const numRuns = process.env["GATEHOUSE_SOAK"] ? 20_000 : 2_000;

const policy: fc.Arbitrary<Policy> = fc
  .tuple(rule, rule, fc.array(exemption, { maxLength: 3 }))
  .map(([one, two, exemptions]) => policyOf({ two, one }, exemptions));

function policyOf(rules: Record<string, Rule>, exemptions: readonly Exemption[]): Policy {
  return {
    version: 1,
    rules,
    exemptions: Object.fromEntries(exemptions.map((entry, index) => [`e${index}`, entry])),
    vex: [],
    exemptionHelp: "ask",
  };
}

/** Whether `a` lets in more than `b`, for the whole or for any image. */
function admitsMore(a: ReturnType<typeof decide>, b: ReturnType<typeof decide>): boolean {
  const worse = b.images.some((image, index) => severer(image.outcome, a.images[index]?.outcome ?? "allow"));
  return worse || severer(b.outcome, a.outcome);
}

test("adding an exemption never denies more", () => {
  fc.assert(
    fc.property(policy, exemption, subject, scans, (before, added, who, seen) => {
      const after = { ...before, exemptions: { ...before.exemptions, added } };
      return !admitsMore(decide(before, who, seen, now), decide(after, who, seen, now));
    }),
    { numRuns },
  );
});

test("adding a rule never admits more", () => {
  fc.assert(
    fc.property(policy, rule, subject, scans, (before, added, who, seen) => {
      const after = { ...before, rules: { ...before.rules, added } };
      return !admitsMore(decide(after, who, seen, now), decide(before, who, seen, now));
    }),
    { numRuns },
  );
});

test("adding a finding never admits more", () => {
  fc.assert(
    fc.property(policy, finding, subject, scans, (rules, added, who, seen) => {
      const more: Scans = new Map(
        [...seen].map(([reference, scan]) => [
          reference,
          {
            ...scan,
            platforms: scan.platforms.map((one) => ({
              ...one,
              report: { ...one.report, findings: [...one.report.findings, added] },
            })),
          },
        ]),
      );
      return !admitsMore(decide(rules, who, more, now), decide(rules, who, seen, now));
    }),
    { numRuns },
  );
});

test("read back from its JSON form, a policy decides alike", () => {
  fc.assert(
    fc.property(policy, subject, scans, (written, who, seen) => {
      const read = parsePolicy(JSON.parse(canonicalJson(written)));
      fc.pre(read.ok);
      expect(decide(read.policy, who, seen, now)).toEqual(decide(written, who, seen, now));
      expect(canonicalJson(read.policy)).toBe(canonicalJson(written));
    }),
    { numRuns },
  );
});

test("a reference that is not worth a look-up is allowed, whatever a look-up would have said", () => {
  fc.assert(
    fc.property(policy, subject, scans, (rules, who, seen) => {
      const asked = new Set(referencesToScan(rules, who));
      const idle = decide(rules, who, seen, now).images.filter(({ reference }) => !asked.has(reference));
      expect(idle.map(({ outcome }) => outcome)).toEqual(idle.map(() => "allow"));
    }),
    { numRuns },
  );
});

test("the decision of an object is the worst of its images', and of an image the worst of its rules'", () => {
  fc.assert(
    fc.property(policy, subject, scans, (rules, who, seen) => {
      const decision = decide(rules, who, seen, now);
      const rank = ["allow", "audit", "deny"] as const;
      const worstOf = (list: readonly ("allow" | "audit" | "deny")[]) =>
        rank[Math.max(0, ...list.map((outcome) => rank.indexOf(outcome)))];
      expect(decision.outcome).toBe(worstOf(decision.images.map(({ outcome }) => outcome)));
      for (const image of decision.images)
        expect(image.outcome).toBe(worstOf(image.rules.map(({ outcome }) => outcome)));
    }),
    { numRuns },
  );
});
