import fc from "fast-check";
import { expect, test } from "vitest";
import { parseChallenges } from "./challenge.ts";

test.each([
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [
      {
        scheme: "bearer",
        parameters: {
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:a/b:pull,push",
        },
      },
    ],
  ],
  [
    'Basic realm="a \\"quoted\\" one", Bearer realm=plain , error="x"',
    [
      { scheme: "basic", parameters: { realm: 'a "quoted" one' } },
      { scheme: "bearer", parameters: { realm: "plain", error: "x" } },
    ],
  ],
  [
    "Negotiate abc123==, Basic realm=x",
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: "x" } },
    ],
  ],
  ["Basic", [{ scheme: "basic", parameters: {} }]],
  ["Bearer realm=one, realm=two", [{ scheme: "bearer", parameters: { realm: "one" } }]],
  ['Bearer REALM = "x"', [{ scheme: "bearer", parameters: { realm: "x" } }]],
  ['Bearer realm="never closed', [{ scheme: "bearer", parameters: {} }]],
  ["Bearer __proto__=x", [{ scheme: "bearer", parameters: {} }]],
  ["", []],
  [",,,", []],
  ["(nonsense)", []],
])("%s", (header, expected) => {
  expect(parseChallenges(header)).toEqual(expected);
});

test("any text ends, and soon", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "B", "=", '"', "\\", " ", ",", "/", "+", "-", "\t"),
    maxLength: 200,
  });
  fc.assert(
    fc.property(text, (header) => {
      expect(parseChallenges(header).length).toBeLessThanOrEqual(header.length);
    }),
  );
});
