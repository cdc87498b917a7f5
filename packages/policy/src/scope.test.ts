import { describe, expect, test } from "vitest";
import { parseImageReference } from "./image-reference.ts";
import type { Scope } from "./model.ts";
import { compileScope, type ImageFacts } from "./scope.ts";
import type { Subject } from "./subject.ts";

const [one, two, other] = ["1", "2", "3"].map((digit) => `sha256:${digit.repeat(64)}`) as [
  string,
  string,
  string,
];
const subject: Subject = {
  cluster: { name: "prod" },
  namespace: { name: "shop", labels: {} },
  object: { kind: "Pod", name: "cart", labels: {} },
  pod: "cart",
  workload: { resolved: true, kind: "Pod", name: "cart" },
  images: [],
};

function asked(scope: Scope, text: string, facts: Omit<ImageFacts, "reference"> = {}) {
  const parsed = parseImageReference(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return compileScope(scope)(subject)({ reference: parsed.reference, ...facts }, () => {});
}

const tagged = "ghcr.io/acme/api:1";

describe("an image pattern that names a digest", () => {
  test.each([
    [`ghcr.io/acme/api@${one}`],
    [`ghcr.io/acme/api:1@${one}`],
    [`*/api@${one}`],
    [`*@${one}`],
    [`*${one}`],
    [`*${"1".repeat(12)}`],
    ["*@sha256*"],
    ["*1111*"],
    ["*sha256:11*"],
    [`ghcr.io/acme/api@sha256:11*`],
  ])("%s is not answered before the digest is known", (image) => {
    expect(asked({ image }, tagged)).toBeUndefined();
    expect(asked({ image }, tagged, { digest: one, platformDigest: one })).toBe(true);
    expect(asked({ image: [`!${image}`] }, tagged)).toBeUndefined();
    expect(asked({ image: [`!${image}`] }, tagged, { digest: one, platformDigest: one })).toBe(false);
  });

  test("a digest that could only be of another image, or a pattern without one, is answered at once", () => {
    for (const image of [
      `ghcr.io/acme/web@${one}`,
      `*/web@${one}`,
      "*:2",
      "*nginx",
      "*nginx*",
      "ghcr.io/other/*",
      "*-prod",
      `*:${"1".repeat(12)}`,
    ])
      expect([image, asked({ image }, tagged)]).toEqual([image, false]);
    expect(asked({ image: "ghcr.io/acme/*" }, tagged)).toBe(true);
    expect(asked({ image: ["ghcr.io/acme/*", "!*/web:*"] }, tagged)).toBe(true);
    expect(asked({ image: ["ghcr.io/acme/*", `!*@${one}`] }, "ghcr.io/acme/api")).toBeUndefined();
  });

  test("means the platform's own digest as well as the index's", () => {
    const facts = { digest: one, platformDigest: two };
    expect(asked({ image: `ghcr.io/acme/api@${two}` }, tagged, facts)).toBe(true);
    expect(asked({ image: `ghcr.io/acme/api@${one}` }, tagged, facts)).toBe(true);
    expect(asked({ image: `ghcr.io/acme/api@${other}` }, tagged, facts)).toBe(false);
    expect(asked({ image: `ghcr.io/acme/api@${two}` }, tagged, { digest: one })).toBeUndefined();
  });
});

describe("a digest", () => {
  test("of the platform may still be the one while only the index's is known", () => {
    expect(asked({ digest: two }, tagged)).toBeUndefined();
    expect(asked({ digest: two }, tagged, { digest: one })).toBeUndefined();
    expect(asked({ digest: two }, `ghcr.io/acme/api@${one}`)).toBeUndefined();
    expect(asked({ digest: two }, tagged, { digest: one, platformDigest: two })).toBe(true);
    expect(asked({ digest: two }, tagged, { digest: one, platformDigest: other })).toBe(false);
    expect(asked({ digest: [`!${two}`] }, tagged, { digest: one })).toBeUndefined();
    expect(asked({ digest: [`!${one}`] }, tagged, { digest: one })).toBe(false);
  });

  test("that the reference names is known without a look-up", () => {
    expect(asked({ digest: one }, `ghcr.io/acme/api@${one}`)).toBe(true);
    expect(asked({ image: `ghcr.io/acme/api@${one}` }, `ghcr.io/acme/api@${one}`)).toBe(true);
  });
});
