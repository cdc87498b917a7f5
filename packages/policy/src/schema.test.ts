import * as z from "zod/mini";
import { describe, expect, test } from "vitest";
import { audit, definePolicy, deny, exempt, findings, states } from "./build.ts";
import { InvalidInputError } from "./problems.ts";
import { parsePolicy, policySchema } from "./schema.ts";

test("the published JSON Schema is that of the code (vitest -u writes it)", async () => {
  const schema = z.toJSONSchema(policySchema, { unrepresentable: "any" });
  const published = {
    ...schema,
    $id: "https://gatehouse.dev/schema/policy-v1.json",
    title: "A Gatehouse policy in its JSON form",
  };
  await expect(`${JSON.stringify(published, null, 2)}\n`).toMatchFileSnapshot("../schema.json");
});

const rule = deny({ description: "d", when: findings({ minSeverity: "critical" }), onScan: states.audit });
const excuse = { reason: "r", owner: "o", permanent: true } as const;

function problemsOf(build: () => unknown): readonly { path: string; problem: string }[] {
  try {
    build();
  } catch (error) {
    if (error instanceof InvalidInputError) return error.problems;
    throw error;
  }
  return [];
}

/** A policy of plain data, as a file or another tool would give it. */
const wrong = (over: object) => () => {
  const parsed = parsePolicy({
    version: 1,
    rules: { one: rule },
    exemptions: {},
    vex: [],
    exemptionHelp: "ask",
    ...over,
  });
  if (!parsed.ok) throw new InvalidInputError("GH3004", "the policy", parsed.problems);
};

describe("what is wrong is named, with what was expected and came", () => {
  const { failed: _, ...unnamed } = states.strict;
  test.each<[string, () => unknown, { path: string; problem: string }[]]>([
    [
      "no rules",
      () => definePolicy({ rules: {}, defaultRule: false }),
      [{ path: "rules", problem: "a policy without rules admits everything; write at least one" }],
    ],
    [
      "a misspelt severity",
      wrong({ rules: { one: { ...rule, when: { findings: { minSeverity: "critcal" } } } } }),
      [
        {
          path: "rules.one.when.findings.minSeverity",
          problem: 'expected "critical" or "high" or "medium" or "low" or "negligible", got "critcal"',
        },
      ],
    ],
    [
      "a misspelt field",
      wrong({ rules: { one: { ...rule, wher: {} } } }),
      [{ path: "rules.one.wher", problem: "no such field" }],
    ],
    [
      "a deny rule that leaves a state unnamed",
      wrong({ rules: { one: { ...rule, onScan: unnamed } } }),
      [{ path: "rules.one.onScan.failed", problem: 'expected "allow" or "audit" or "deny", got nothing' }],
    ],
    [
      "an audit rule that does not audit a state",
      wrong({
        rules: { one: { ...audit({ description: "d", when: findings({}) }), onScan: states.lenient } },
      }),
      ["pending", "partial", "failed", "unsupported", "absent", "stale", "unavailable"].map((state) => ({
        path: `rules.one.onScan.${state}`,
        problem: 'an audit rule audits every scan that is not complete; expected "audit", got "allow"',
      })),
    ],
    [
      "a star inside a pattern",
      wrong({ rules: { one: { ...rule, where: { namespace: "a*b" } } } }),
      [
        {
          path: "rules.one.where.namespace",
          problem: expect.stringContaining("a * may stand first or last only") as never,
        },
      ],
    ],
    [
      "an image pattern without a registry",
      wrong({ rules: { one: { ...rule, where: { image: "nginx" } } } }),
      [
        {
          path: "rules.one.where.image",
          problem:
            '"nginx" names no registry and would match nothing; write docker.io/library/nginx or */nginx',
        },
      ],
    ],
    [
      "a rule that an exemption misspells",
      wrong({ exemptions: { e: { ...excuse, rules: ["onee"] } } }),
      [{ path: "exemptions.e.rules", problem: 'there is no rule "onee"; the rules are one' }],
    ],
    [
      "an exemption without an end",
      wrong({ exemptions: { e: { reason: "r", owner: "o", cves: "CVE-1" } } }),
      [
        {
          path: "exemptions.e",
          problem: 'say when it ends: until: "2027-01-31", or permanent: true; exactly one of them',
        },
      ],
    ],
    [
      "an exemption of everything",
      wrong({ exemptions: { e: excuse } }),
      [
        {
          path: "exemptions.e",
          problem: "it exempts everything from every rule; name a scope, CVEs, packages, states or rules",
        },
      ],
    ],
    [
      "an exemption by what the requester chooses, and an image pattern that means any",
      wrong({ exemptions: { e: { ...excuse, where: { pod: "api-*", image: ["*", "ghcr.io/acme/api"] } } } }),
      [
        {
          path: "exemptions.e",
          problem: "pod can be chosen by whoever deploys; also name an image, repository, digest or CVE",
        },
      ],
    ],
    [
      "an exemption by what the requester chooses alone",
      wrong({ exemptions: { e: { ...excuse, where: { pod: "api-*", labels: { a: "b" } } } } }),
      [
        {
          path: "exemptions.e",
          problem:
            "pod and labels can be chosen by whoever deploys; also name an image, repository, digest or CVE",
        },
      ],
    ],
    [
      "a day that the calendar lacks",
      wrong({ exemptions: { e: { reason: "r", owner: "o", cves: "CVE-1", until: "2026-02-30" } } }),
      [
        {
          path: "exemptions.e.until",
          problem:
            '"2026-02-30" is no date; write 2027-01-31, which ends that day UTC, or 2027-01-31T12:00:00Z',
        },
      ],
    ],
    [
      "a duration without a unit",
      wrong({ rules: { one: { ...rule, when: { scanAge: { olderThan: "14" } } } } }),
      [
        {
          path: "rules.one.when.scanAge.olderThan",
          problem: '"14" is no duration; write a number and m, h, d or w, such as 14d',
        },
      ],
    ],
    [
      "an empty negation",
      wrong({ rules: { one: { ...rule, when: { findings: { not: {} } } } } }),
      [
        {
          path: "rules.one.when.findings.not",
          problem: "an empty filter fits every finding, so its negation fits none; name an attribute",
        },
      ],
    ],
  ])("%s", (_, build, problems) => {
    expect(problemsOf(build)).toEqual(problems);
  });

  test("everything at once", () => {
    const build = wrong({ rules: { one: { ...rule, action: "block", enabled: "yes" } }, exemptionHelp: 7 });
    expect(problemsOf(build).map(({ path }) => path)).toEqual([
      "rules.one.action",
      "rules.one.enabled",
      "exemptionHelp",
    ]);
  });
});

test("what the types refuse", () => {
  // @ts-expect-error a misspelt severity
  findings({ minSeverity: "critcal" });
  // @ts-expect-error a misspelt field
  findings({ minSeveriti: "critical" });
  // @ts-expect-error a deny rule names every state
  deny({ description: "d", when: findings({}), onScan: { absent: "deny" } });
  // @ts-expect-error an end is required
  exempt({ reason: "r", owner: "o" });
  const build = () =>
    definePolicy({
      rules: { one: rule },
      // @ts-expect-error a misspelt rule name
      exemptions: { e: exempt({ ...excuse, cves: "CVE-1", rules: ["onne"] }) },
    });
  expect(build).toThrow(InvalidInputError);
});
