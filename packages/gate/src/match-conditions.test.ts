import { Environment } from "@marcbachmann/cel-js";
import { addedImages, apiVersionOf, imageUses, judgedKinds, type JudgedKind } from "@gatehouse/policy";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addsImage, exclusion } from "./match-conditions.ts";

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: {
    maxAstNodes: 100_000,
    maxDepth: 1_000,
    maxListElements: 10_000,
    maxCallArguments: 100,
    maxMapEntries: 10_000,
  },
});

/** What the API server makes of an expression; an error fails the request or skips the webhook, so it is no answer. */
function compile(expression: string): (variables: Record<string, unknown>) => boolean {
  const run = environment.parse(expression);
  return (variables) => {
    const answer: unknown = run(variables);
    if (typeof answer !== "boolean") throw new Error(`expected true or false, got ${String(answer)}`);
    return answer;
  };
}

const conditions = addsImage().map(({ expression }) => compile(expression));
const ofPods = addsImage(judgedKinds.filter(({ kind }) => kind === "Pod")).map(({ expression }) =>
  compile(expression),
);

/** Whether the API server calls the gate for an update. The webhook that pins Pods is called for the same ones. */
function called(kind: JudgedKind, object: unknown, oldObject: unknown, operation = "UPDATE"): boolean {
  const request = { operation, kind: { kind: kind.kind } };
  const all = (some: typeof conditions) =>
    some.every((condition) => condition({ request, object, oldObject }));
  const answer = all(conditions);
  if (kind.kind === "Pod") expect(all(ofPods)).toBe(answer);
  return answer;
}

function objectOf(kind: JudgedKind, spec: unknown): Record<string, unknown> {
  const inner = kind.podSpec.reduceRight((value: unknown, field) => ({ [field]: value }), spec);
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...(inner as object) };
}

const text = fc.constantFrom("nginx", "nginx:1", "r.example/a/b@sha256:1", "", "'", "ünï");
const name = fc.constantFrom("a", "b");
/** Lists as the API server writes them: absent, null or an array. */
const listOf = <T>(entry: fc.Arbitrary<T>) =>
  fc.oneof(fc.constant(undefined), fc.constant(null), fc.array(entry, { maxLength: 4 }));
const maybe = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: value }, fc.constantFrom(undefined, null));
const container = fc.record({ name, image: maybe(text) }).map(withoutUndefined);
const volume = fc
  .record({
    name,
    image: maybe(fc.record({ reference: maybe(text) }).map(withoutUndefined)),
    emptyDir: maybe(fc.constant({})),
  })
  .map(withoutUndefined);
const podSpec = fc
  .record({
    containers: listOf(container),
    initContainers: listOf(container),
    ephemeralContainers: listOf(container),
    volumes: listOf(volume),
    hostname: maybe(name),
  })
  .map(withoutUndefined);
const anyKind = fc.constantFrom<JudgedKind>(...judgedKinds);

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
}

function addsAny(object: unknown): boolean {
  const uses = imageUses(object);
  return !uses.ok || uses.images.length > 0;
}

function hasLongReference(spec: object): boolean {
  return JSON.stringify(spec).includes("a".repeat(257));
}

describe("an update reaches the gate when it adds an image", () => {
  test("and only then, as addedImages has it, for any two Pod specs of any kind", () => {
    fc.assert(
      fc.property(anyKind, podSpec, podSpec, (kind, spec, oldSpec) => {
        const [object, oldObject] = [objectOf(kind, spec), objectOf(kind, oldSpec)];
        const added = addedImages(object, oldObject);
        expect(added.ok).toBe(true);
        expect(called(kind, object, oldObject)).toBe(added.ok && added.images.length > 0);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    [
      "more containers than are compared",
      { containers: Array.from({ length: 51 }, () => ({ image: "a" })) },
      true,
    ],
    ["as many as are", { containers: Array.from({ length: 50 }, () => ({ image: "a" })) }, false],
    ["more volumes", { volumes: Array.from({ length: 101 }, () => ({ emptyDir: {} })) }, true],
    [
      "as many as are, without images",
      { volumes: Array.from({ length: 100 }, () => ({ emptyDir: {} })) },
      false,
    ],
    ["a longer reference", { initContainers: [{ image: "a".repeat(257) }] }, true],
    ["one as long", { initContainers: [{ image: "a".repeat(256) }] }, false],
    ["a longer reference of a volume", { volumes: [{ image: { reference: "a".repeat(257) } }] }, true],
  ])("and one whose Pod spec has %s", (_name, spec, expected) => {
    for (const kind of judgedKinds) {
      const object = objectOf(kind, spec);
      expect([called(kind, object, object), called(kind, object, objectOf(kind, {}))]).toEqual([
        expected,
        expected || addsAny(object),
      ]);
      expect(called(kind, objectOf(kind, {}), object)).toBe(expected && !hasLongReference(spec));
    }
  });

  test("so one that reorders, removes or changes anything else does not", () => {
    fc.assert(
      fc.property(anyKind, podSpec, fc.nat(), (kind, spec, keep) => {
        const fewer = Object.fromEntries(
          Object.entries(spec).map(([key, value]): [string, unknown] => [
            key,
            Array.isArray(value) ? value.slice(keep % (value.length + 1)).toReversed() : value,
          ]),
        );
        expect(
          called(kind, { ...objectOf(kind, fewer), metadata: { labels: { a: "b" } } }, objectOf(kind, spec)),
        ).toBe(false);
      }),
    );
  });

  test("and always when a Pod spec cannot be found: unknown images are not none", () => {
    for (const kind of judgedKinds) {
      const whole = objectOf(kind, { containers: [{ name: "a", image: "nginx" }] });
      for (let depth = 0; depth < kind.podSpec.length; depth++)
        for (const gap of [undefined, null]) {
          const cut = withGap(whole, kind.podSpec.slice(0, depth + 1), gap);
          expect(imageUses(cut).ok).toBe(false);
          expect(called(kind, cut, whole)).toBe(true);
          expect(called(kind, whole, cut)).toBe(true);
        }
    }
  });

  test("a creation always reaches it, without an old object", () => {
    for (const kind of judgedKinds)
      expect(called(kind, objectOf(kind, { containers: [] }), null, "CREATE")).toBe(true);
  });
});

function withGap(
  object: Record<string, unknown>,
  path: readonly string[],
  gap: unknown,
): Record<string, unknown> {
  const [first = "", ...rest] = path;
  if (rest.length === 0) {
    const { [first]: _, ...others } = object;
    return gap === undefined ? others : { ...others, [first]: gap };
  }
  return { ...object, [first]: withGap(object[first] as Record<string, unknown>, rest, gap) };
}

test("namespaces are excluded by name alone", () => {
  const excluded = exclusion(["kube-system", "gatehouse", "kube-system"]);
  expect(excluded).toEqual({
    name: "not-excluded",
    expression: "!(request.namespace in ['gatehouse', 'kube-system'])",
  });
  const reaches = compile(excluded.expression);
  expect(
    ["kube-system", "gatehouse", "kube-systems", "shop", "'"].map((namespace) =>
      reaches({ request: { namespace } }),
    ),
  ).toEqual([false, false, true, true, true]);
  expect(() => exclusion(["a'] || true || ['"])).toThrow("expected letters, digits, dots and dashes");
});

test("the API server takes the conditions: few enough, named as it wants", () => {
  const all = [exclusion(["kube-system"]), ...addsImage()];
  expect(all.map(({ name }) => name)).toEqual([
    "not-excluded",
    "adds-image-at-spec",
    "adds-image-at-template-spec",
    "adds-image-at-spec-template-spec",
    "adds-image-at-spec-jobtemplate-spec-template-spec",
  ]);
});
