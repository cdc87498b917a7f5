import { expect, test } from "vitest";
import { audit, definePolicy, deny, exempt, findings, states } from "./build.ts";
import type { DenyInput } from "./build.ts";
import { policyWarnings, type PolicyWarning } from "./policy-warnings.ts";

const now = Date.parse("2026-11-22T10:00:00Z");
const when = findings({ minSeverity: "critical" });
const policyOf = (more: Partial<DenyInput>) =>
  definePolicy({ rules: { strict: deny({ description: "d", when, onScan: states.strict, ...more }) } });

test("a policy without peculiarities draws none", () => {
  const policy = definePolicy({
    rules: {
      strict: deny({ description: "d", when, onScan: states.strict, except: { namespace: "sandbox-*" } }),
      soft: audit({ description: "d", when, where: { labels: { app: "x" } } }),
    },
    exemptions: {
      one: exempt({ rules: ["strict"], cves: "CVE-2026-1", reason: "r", owner: "o", until: "2026-11-22" }),
    },
  });
  expect(policyWarnings(policy, now)).toEqual([]);
});

const stateWarning = (state: string): PolicyWarning => ({
  code: "GH3043",
  path: `rules.strict.onScan.${state}`,
  problem: `an image whose scan is ${state} passes this rule without a word`,
});

test.each<[string, Partial<DenyInput>, PolicyWarning[]]>([
  [
    "an exception by what the requester chooses",
    { except: { labels: { skip: "yes" }, pod: "x-*" } },
    [
      {
        code: "GH3041",
        path: "rules.strict.except",
        problem:
          "whoever creates an object chooses its pod and labels, and so whether this rule applies; name a namespace or an image besides",
      },
    ],
  ],
  [
    "one of several exceptions",
    { except: [{ namespace: "a" }, { workload: { name: "x" } }] },
    [
      {
        code: "GH3041",
        path: "rules.strict.except.1",
        problem:
          "whoever creates an object chooses its workload, and so whether this rule applies; name a namespace or an image besides",
      },
    ],
  ],
  ["the same beside an image", { except: { labels: { skip: "yes" }, repository: "tools/*" } }, []],
  [
    "a scope by labels",
    { where: { labels: { tier: "prod" } } },
    [
      {
        code: "GH3041",
        path: "rules.strict.where",
        problem: "whoever creates an object chooses its labels, and so can keep out of this rule",
      },
    ],
  ],
  ["lenient states", { onScan: states.lenient }, ["absent", "unsupported", "unavailable"].map(stateWarning)],
])("a deny rule with %s", (_, more, expected) => {
  expect(policyWarnings(policyOf(more), now)).toEqual(expected);
});

test("rules that do nothing, and exemptions that do nothing or all", () => {
  const policy = definePolicy({
    defaultRule: false,
    rules: { off: deny({ description: "d", when, onScan: states.strict, enabled: false }) },
    exemptions: {
      gone: exempt({ cves: "CVE-2026-1", reason: "r", owner: "o", until: "2026-11-21" }),
      idle: exempt({ rules: ["off"], cves: "CVE-2026-1", reason: "r", owner: "o", permanent: true }),
      wide: exempt({ rules: ["off"], reason: "r", owner: "o", permanent: true }),
    },
  });
  expect(policyWarnings(policy, now)).toEqual([
    { code: "GH3046", path: "rules", problem: "no rule is enabled, so everything is admitted" },
    {
      code: "GH3044",
      path: "exemptions.gone",
      problem: "ended on 2026-11-21 and does nothing any more; take it out",
    },
    {
      code: "GH3044",
      path: "exemptions.idle.rules",
      problem: "off: disabled, so there is nothing to exempt",
    },
    {
      code: "GH3044",
      path: "exemptions.wide.rules",
      problem: "off: disabled, so there is nothing to exempt",
    },
    {
      code: "GH3045",
      path: "exemptions.wide",
      problem: "frees every image from its rules, in every namespace; name CVEs, packages, states or a scope",
    },
  ]);
});

const tagWarning = (path: string, pattern: string) => ({
  code: "GH3042",
  path,
  problem: `"${pattern}" names a tag, which whoever may push can move to another image; name the digest`,
});

test("what lets an image off by its tag lets off whatever is written behind that tag", () => {
  const policy = definePolicy({
    defaultRule: false,
    rules: {
      strict: deny({
        description: "d",
        when,
        onScan: states.strict,
        except: [{ image: "ghcr.io/acme/tool:1" }, { image: ["*:stable", "!*:latest", "ghcr.io/acme/*"] }],
        where: { image: "*:latest" },
      }),
    },
    exemptions: {
      one: exempt({
        cves: "CVE-2026-1",
        where: {
          image: ["r.io:5000/app:1.*", "r.io:5000/app", "r.io:5000/*", `r.io/app@sha256:${"a".repeat(64)}`],
        },
        reason: "r",
        owner: "o",
        permanent: true,
      }),
    },
  });
  expect(policyWarnings(policy, now)).toEqual([
    tagWarning("rules.strict.except.0.image", "ghcr.io/acme/tool:1"),
    tagWarning("rules.strict.except.1.image", "*:stable"),
    tagWarning("exemptions.one.where.image", "r.io:5000/app:1.*"),
  ]);
});
