import { describe, expect, test } from "vitest";
import { definePolicy, deny, exempt, findings, states } from "./build.ts";
import { applyMode, decide, referencesToScan } from "./decide.ts";
import { parseImageReference } from "./image-reference.ts";
import type { Policy, Scope } from "./model.ts";
import { replay, scanKey } from "./replay.ts";
import { reviewEvent } from "./review-event.ts";
import type { ImageScan } from "./scan.ts";
import { snapshotVersion } from "./snapshot.ts";
import { compileScope, type ImageFacts } from "./scope.ts";
import type { Subject } from "./subject.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const [good, bad] = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
const repository = "ghcr.io/acme/api";

function subjectOf(reference: string): Subject {
  return {
    cluster: { name: "prod" },
    namespace: { name: "shop", labels: {} },
    object: { kind: "Pod", name: "cart", labels: {} },
    pod: "cart",
    workload: { resolved: true, kind: "Pod", name: "cart" },
    images: [{ path: "spec.containers[0].image", reference, name: "cart", kind: "container" }],
  };
}

function scanOf(digest: string): ImageScan {
  const finding = { id: "CVE-2026-0001", severity: "critical", package: { name: "openssl" } } as const;
  return {
    digest,
    platforms: [
      {
        digest,
        report: {
          state: "complete",
          source: "file",
          trust: { kind: "source" },
          scannedAt: "2026-11-22T00:00:00Z",
          findings: [finding],
        },
      },
    ],
  };
}

const strict = deny({
  description: "no criticals",
  when: findings({ minSeverity: "critical" }),
  onScan: states.strict,
});
const byTag = (image: string | string[]): Scope => ({ image });

const policies: Record<string, (scope: Scope) => Policy> = {
  "an exemption": (where) =>
    definePolicy({
      defaultRule: false,
      rules: { strict },
      exemptions: { one: exempt({ where, reason: "r", owner: "o", permanent: true }) },
    }),
  "an exception of a rule": (except) =>
    definePolicy({ defaultRule: false, rules: { strict: { ...strict, except } } }),
  "a rule that leaves the tag out": ({ image }) =>
    definePolicy({
      defaultRule: false,
      rules: { strict: { ...strict, where: { image: [`!${String(image)}`] } } },
    }),
};

/** What becomes of a reference when its tag, where it is asked for, names this digest. */
function outcome(policy: Policy, reference: string, tagNames: string | undefined): string {
  const scans = new Map<string, ImageScan>([
    [reference, scanOf(reference.split("@")[1] ?? tagNames ?? good)],
  ]);
  for (const asked of referencesToScan(policy, subjectOf(reference)))
    if (asked !== reference && tagNames !== undefined) scans.set(asked, scanOf(tagNames));
  return decide(policy, subjectOf(reference), scans, now).outcome;
}

describe.each(Object.entries(policies))("%s by tag", (_name, policyOf) => {
  test.each([`${repository}:good`, "*:good", "*api:go*"])("%s", (pattern) => {
    const policy = policyOf(byTag(pattern));
    expect({
      "the tag itself": outcome(policy, `${repository}:good`, good),
      "the tag before another digest": outcome(policy, `${repository}:good@${bad}`, good),
      "the tag before its own digest": outcome(policy, `${repository}:good@${good}`, good),
      "the tag before a digest, not to be resolved": outcome(policy, `${repository}:good@${good}`, undefined),
      "the digest alone": outcome(policy, `${repository}@${good}`, good),
      "another tag before the digest": outcome(policy, `${repository}:other@${good}`, good),
    }).toEqual({
      "the tag itself": "allow",
      "the tag before another digest": "deny",
      "the tag before its own digest": "allow",
      "the tag before a digest, not to be resolved": "deny",
      "the digest alone": "deny",
      "another tag before the digest": "deny",
    });
  });

  test("that also has a digest goes by the digest, whatever tag is before it", () => {
    const policy = policyOf(byTag(`${repository}:good@${good}`));
    expect(
      ["good", "other"].map((tag) => outcome(policy, `${repository}:${tag}@${good}`, undefined)),
    ).toEqual(["allow", "allow"]);
    expect(outcome(policy, `${repository}:good@${bad}`, bad)).toBe("deny");
  });
});

test("VEX about a tag takes nothing out of another digest behind that tag", () => {
  const policy = definePolicy({
    defaultRule: false,
    rules: { strict },
    vex: [
      {
        document: "https://example.com/vex/1",
        vulnerability: "CVE-2026-0001",
        status: "fixed",
        products: [{ repository, tag: "good" }],
      },
    ],
  });
  expect([
    outcome(policy, `${repository}:good`, good),
    outcome(policy, `${repository}:good@${bad}`, good),
    outcome(policy, `${repository}:good@${good}`, good),
  ]).toEqual(["allow", "deny", "allow"]);
});

test("a tag is looked up besides only where the policy goes by tags", () => {
  const reference = `${repository}:good@${good}`;
  const asked = (image: string) =>
    referencesToScan(policies["an exemption"]?.(byTag(image)) as Policy, subjectOf(reference));
  for (const image of [`${repository}:good`, "*:good", "*good", "*oo*", `!*:good`])
    expect([image, asked(image)]).toEqual([image, [reference, `${repository}:good`]]);
  for (const image of [
    repository,
    `${repository}*`,
    "ghcr.io/*",
    "localhost:5000/api*",
    "*/api",
    `*@${good}`,
    `${repository}:good@${good}`,
    "*",
  ])
    expect([image, asked(image)]).toEqual([image, [reference]]);
});

test("a claimed tag is never a certain answer, neither for a pattern nor for its negation", () => {
  const ask = (image: string, facts: Omit<ImageFacts, "reference">) => {
    const parsed = parseImageReference(`${repository}:good@${bad}`);
    if (!parsed.ok) throw new Error(parsed.problem);
    return compileScope({ image })(subjectOf(""))({ reference: parsed.reference, ...facts }, () => {});
  };
  const resolved = { digest: bad, platformDigest: bad };
  expect(
    ["*:good", "!*:good", "*:other", "!*:other", "*@*", `*@${bad}`, "ghcr.io/*"].map((image) => [
      ask(image, resolved),
      ask(image, { ...resolved, tagConfirmed: true }),
    ]),
  ).toEqual([
    [undefined, true],
    [undefined, false],
    [false, false],
    [true, true],
    [true, true],
    [true, true],
    [true, true],
  ]);
});

test("what was judged with a confirmed tag is judged again to the same decision", () => {
  const policy = policies["an exemption"]?.(byTag(`${repository}:good`)) as Policy;
  const reference = `${repository}:good@${good}`;
  const subject = subjectOf(reference);
  const again = (scans: ReadonlyMap<string, ImageScan>) => {
    const ruling = applyMode(decide(policy, subject, scans, now), "deny");
    const event = reviewEvent(
      {
        instance: "judge-0",
        cluster: subject.cluster,
        request: { uid: "1", operation: "CREATE", user: "u", groups: [], apiVersion: "v1" },
        policyHash: "h",
        at: now,
        durationMs: 1,
        subject,
        judged: subject,
        workload: subject.workload,
        verdict: { ruling, scans },
      },
      "key",
    );
    if (event === undefined) throw new Error("expected a review");
    const { review } = event.data;
    const head = { line: "gatehouse-snapshot", version: snapshotVersion, takenAt: review.at } as const;
    const { differences } = replay(
      {
        head: {
          ...head,
          cluster: "prod",
          mode: "deny",
          policy,
          policyHash: "h",
          running: [],
          labels: [],
        },
        policy,
        workloads: [],
        reviews: [review],
        scans: new Map([[scanKey(`${repository}@${good}`, []), scanOf(good)]]),
      },
      { policy, mode: "deny" },
    );
    return [review.action, review.images[0]?.tagConfirmed, differences];
  };
  const written = new Map([[reference, scanOf(good)]]);
  expect(again(written)).toEqual(["deny", undefined, []]);
  expect(again(new Map([...written, [`${repository}:good`, scanOf(good)]]))).toEqual(["allow", true, []]);
});
