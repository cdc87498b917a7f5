import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addedImages, imageUses, podNamePrefix, podSpecOf, templateLabels } from "./image-uses.ts";
import { apiVersionOf, judgedKind, judgedKinds, type JudgedKind } from "./judged-kinds.ts";

/** An object of a kind around a Pod spec. */
function objectOf(
  kind: JudgedKind,
  spec: unknown,
  metadata: unknown = { name: "web" },
): Record<string, unknown> {
  const inner = [...kind.podSpec].toReversed().reduce<unknown>((value, name) => ({ [name]: value }), spec);
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, ...(inner as object) };
}
const pod = (spec: unknown, metadata?: unknown) => objectOf(judgedKinds[0], spec, metadata);
const byName = (name: string) => judgedKinds.find((kind) => kind.kind === name) ?? judgedKinds[0];

const everything = {
  containers: [
    { name: "app", image: "a:1" },
    { name: "side", image: "b:1" },
  ],
  initContainers: [{ name: "init", image: "c:1" }],
  ephemeralContainers: [{ name: "debug", image: "d:1", targetContainerName: "app" }],
  volumes: [
    { name: "model", image: { reference: "e:1", pullPolicy: "Always" } },
    { name: "disk", rbd: { image: "not-a-container-image", pool: "p" } },
    { name: "empty", emptyDir: {} },
  ],
};

describe("imageUses", () => {
  it.each(judgedKinds.map((kind) => [kind.kind, kind] as const))("reads every list of a %s", (_, kind) => {
    const path = kind.podSpec.join(".");
    expect(imageUses(objectOf(kind, everything))).toEqual({
      ok: true,
      images: [
        { path: `${path}.containers[0].image`, reference: "a:1", name: "app", kind: "container" },
        { path: `${path}.containers[1].image`, reference: "b:1", name: "side", kind: "container" },
        { path: `${path}.initContainers[0].image`, reference: "c:1", name: "init", kind: "initContainer" },
        {
          path: `${path}.ephemeralContainers[0].image`,
          reference: "d:1",
          name: "debug",
          kind: "ephemeralContainer",
        },
        { path: `${path}.volumes[0].image.reference`, reference: "e:1", name: "model", kind: "imageVolume" },
      ],
    });
  });

  it("lists a missing, null or empty image with an empty reference", () => {
    const spec = {
      containers: [{ name: "none" }, { name: "null", image: null }, { name: "empty", image: "" }, {}],
      volumes: [
        { name: "v", image: {} },
        { name: "not", image: null },
      ],
    };
    expect(imageUses(pod(spec))).toEqual({
      ok: true,
      images: [
        ...["none", "null", "empty", ""].map((name, index) => ({
          path: `spec.containers[${index}].image`,
          reference: "",
          name,
          kind: "container",
        })),
        { path: "spec.volumes[0].image.reference", reference: "", name: "v", kind: "imageVolume" },
      ],
    });
  });

  it("takes lists that are absent or null as empty, as the API server writes them", () => {
    expect(imageUses(pod({ containers: null, volumes: null }, null))).toEqual({ ok: true, images: [] });
    expect(imageUses({ apiVersion: "v1", kind: "Pod", spec: {} })).toEqual({ ok: true, images: [] });
  });

  const kinds =
    "one of Pod, PodTemplate, ReplicationController, ReplicaSet, Deployment, StatefulSet, DaemonSet, Job, CronJob";
  const inherited = Object.create({ containers: [{ name: "hidden", image: "evil" }] }) as unknown;
  const holed = Object.assign([{ image: "a" }], { 2: { image: "b" } });
  class Spec {
    containers = [];
  }
  const hostile: [string, unknown, { path: string; problem: string }[]][] = [
    ["nothing", undefined, [{ path: "", problem: "expected an object, got nothing" }]],
    ["null", null, [{ path: "", problem: "expected an object, got null" }]],
    ["text", "Pod", [{ path: "", problem: 'expected an object, got "Pod"' }]],
    ["an array", [pod({})], [{ path: "", problem: "expected an object, got an array" }]],
    ["a function", () => 1, [{ path: "", problem: "expected an object, got a function" }]],
    ["no kind", { apiVersion: "v1" }, [{ path: "kind", problem: `expected ${kinds}, got nothing` }]],
    [
      "a kind that is not judged",
      { apiVersion: "v1", kind: "Secret" },
      [{ path: "kind", problem: `expected ${kinds}, got "Secret"` }],
    ],
    [
      "a name from the prototype",
      { kind: "constructor", apiVersion: "v1" },
      [{ path: "kind", problem: `expected ${kinds}, got "constructor"` }],
    ],
    [
      "another version",
      { apiVersion: "apps/v1beta1", kind: "Deployment" },
      [{ path: "apiVersion", problem: 'expected "apps/v1", got "apps/v1beta1"' }],
    ],
    [
      "no spec",
      { apiVersion: "v1", kind: "Pod" },
      [{ path: "spec", problem: "expected an object, got nothing" }],
    ],
    [
      "no template",
      { apiVersion: "batch/v1", kind: "CronJob", spec: { jobTemplate: { spec: {} } } },
      [{ path: "spec.jobTemplate.spec.template", problem: "expected an object, got nothing" }],
    ],
    [
      "containers by name",
      pod({ containers: { 0: { image: "a" }, length: 1 } }),
      [{ path: "spec.containers", problem: "expected an array, got an object" }],
    ],
    [
      "lists of every wrong type",
      pod({ containers: "a", initContainers: 0, ephemeralContainers: false, volumes: "" }),
      [
        { path: "spec.containers", problem: 'expected an array, got "a"' },
        { path: "spec.initContainers", problem: "expected an array, got 0" },
        { path: "spec.ephemeralContainers", problem: "expected an array, got false" },
        { path: "spec.volumes", problem: 'expected an array, got ""' },
      ],
    ],
    [
      "entries of every wrong type",
      pod({ containers: ["a", null, ["b"]], volumes: [1] }),
      [
        { path: "spec.containers[0]", problem: 'expected an object, got "a"' },
        { path: "spec.containers[1]", problem: "expected an object, got null" },
        { path: "spec.containers[2]", problem: "expected an object, got an array" },
        { path: "spec.volumes[0]", problem: "expected an object, got 1" },
      ],
    ],
    [
      "a hole",
      pod({ containers: holed }),
      [{ path: "spec.containers[1]", problem: "expected an object, got nothing" }],
    ],
    [
      "images of wrong types",
      pod({
        containers: [{ name: 1, image: ["a"] }],
        volumes: [{ image: "a" }, { image: { reference: {} } }],
      }),
      [
        { path: "spec.containers[0].name", problem: "expected a string, got 1" },
        { path: "spec.containers[0].image", problem: "expected a string, got an array" },
        { path: "spec.volumes[0].image", problem: 'expected an object, got "a"' },
        { path: "spec.volumes[1].image.reference", problem: "expected a string, got an object" },
      ],
    ],
    [
      "fields by a prototype",
      pod(inherited),
      [{ path: "spec", problem: "expected an object, got an object of a class" }],
    ],
    ["a class", pod(new Spec()), [{ path: "spec", problem: "expected an object, got an object of a class" }]],
    [
      "metadata of wrong types",
      pod({}, { name: 1, generateName: [], labels: { a: 1, "b/c": null } }),
      [
        { path: "metadata.name", problem: "expected a string, got 1" },
        { path: "metadata.generateName", problem: "expected a string, got an array" },
        { path: 'metadata.labels["a"]', problem: "expected a string, got 1" },
        { path: 'metadata.labels["b/c"]', problem: "expected a string, got null" },
      ],
    ],
    ["no metadata object", pod({}, "web"), [{ path: "metadata", problem: 'expected an object, got "web"' }]],
    [
      "template metadata of a wrong type",
      objectOf(byName("Job"), {}).spec,
      [{ path: "kind", problem: `expected ${kinds}, got nothing` }],
    ],
    [
      "template labels of a wrong type",
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        spec: { template: { metadata: { labels: [] }, spec: {} } },
      },
      [{ path: "spec.template.metadata.labels", problem: "expected an object, got an array" }],
    ],
  ];
  it.each(hostile)("says what is wrong with %s", (_, object, problems) => {
    expect(imageUses(object)).toEqual({ ok: false, problems });
  });

  it("reads nothing off a polluted prototype", () => {
    const evil = { value: "evil", configurable: true };
    const prototype = Object.getPrototypeOf({}) as Record<string, unknown>;
    Object.defineProperties(prototype, { image: evil, labels: evil });
    try {
      expect(imageUses(pod({ containers: [{}], volumes: [{ name: "v" }] }))).toEqual({
        ok: true,
        images: [{ path: "spec.containers[0].image", reference: "", name: "", kind: "container" }],
      });
    } finally {
      delete prototype["image"];
      delete prototype["labels"];
    }
  });

  it("sees fields named like the prototype's", () => {
    const object: unknown = JSON.parse(
      '{"apiVersion":"v1","kind":"Pod","spec":{"__proto__":{"containers":[]},"containers":[{"image":"a"}]}}',
    );
    expect(imageUses(object)).toEqual({
      ok: true,
      images: [{ path: "spec.containers[0].image", reference: "a", name: "", kind: "container" }],
    });
  });
});

/** A Pod spec with what the API allows around its images, decoys included. */
const name = fc.constantFrom("a", "b", "image", "containers");
const image = fc.constantFrom("nginx", "r.io/a/b:1", "", "UPPER", "x@sha256:1");
const container = fc.record(
  {
    name,
    image,
    command: fc.array(fc.constantFrom("image", "--image=x")),
    env: fc.array(fc.record({ name, value: image })),
    imagePullPolicy: fc.constant("Always"),
  },
  { requiredKeys: ["name"] },
);
const volume = fc.oneof(
  fc.record({
    name,
    image: fc.record({ reference: image, pullPolicy: fc.constant("Never") }, { requiredKeys: ["reference"] }),
  }),
  fc.record({ name, rbd: fc.record({ image, pool: name }) }),
  fc.record({ name, configMap: fc.record({ name: image }) }),
);
const podSpec = fc.record(
  {
    containers: fc.array(container, { maxLength: 4 }),
    initContainers: fc.array(container, { maxLength: 3 }),
    ephemeralContainers: fc.array(container, { maxLength: 2 }),
    volumes: fc.array(volume, { maxLength: 4 }),
    nodeSelector: fc.dictionary(name, image),
    imagePullSecrets: fc.array(fc.record({ name })),
  },
  { requiredKeys: [] },
);
const anyKind = fc.constantFrom<JudgedKind>(...judgedKinds);
const anyObject = fc.tuple(anyKind, podSpec).map(([kind, spec]) => objectOf(kind, spec));

/** Independent and naive: walks the whole object, and takes every image field below a container list or volume. */
function naive(value: unknown, path: string, found: [string, string][]): [string, string][] {
  if (Array.isArray(value)) value.forEach((one, index) => naive(one, `${path}[${index}]`, found));
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      const here = path === "" ? key : `${path}.${key}`;
      const isImage = /(^|\.)(containers|initContainers|ephemeralContainers)\[\d+\]\.image$/.test(here);
      const isVolume = /(^|\.)volumes\[\d+\]\.image\.reference$/.test(here);
      if ((isImage || isVolume) && typeof inner === "string") found.push([here, inner]);
      naive(inner, here, found);
    }
  return found;
}
const sorted = (pairs: [string, string][]) => pairs.map((pair) => pair.join(" ")).sort();

describe("random Pod specs of every kind", () => {
  it("let no image escape, and add none", () => {
    fc.assert(
      fc.property(anyObject, (object) => {
        const uses = imageUses(object);
        expect(uses.ok).toBe(true);
        const found = uses.ok ? uses.images : [];
        const given = found.filter(
          ({ path, reference }) => reference !== "" || naive(object, "", []).some(([at]) => at === path),
        );
        expect(sorted(given.map((use) => [use.path, use.reference]))).toEqual(sorted(naive(object, "", [])));
        // What remains are containers without an image.
        expect(found.filter((use) => !given.includes(use)).every((use) => use.reference === "")).toBe(true);
      }),
    );
  });

  it("never lose an image by a change of one value: it is a problem or every other image is still there", () => {
    const junk = fc.constantFrom<unknown>(null, 0, "", "x", true, [], {}, [null], { length: 1 });
    fc.assert(
      fc.property(anyObject, fc.nat(), junk, (object, pick, value) => {
        const copy = structuredClone(object);
        const places = slots(copy);
        const [holder, key] = places[pick % places.length] ?? [copy, "spec"];
        holder[key] = value;
        const uses = imageUses(copy);
        const paths = uses.ok ? uses.images.map((use) => use.path) : [];
        if (uses.ok) expect(naive(copy, "", []).filter(([path]) => !paths.includes(path))).toEqual([]);
        else expect(uses.problems).not.toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Every field of every object and array in a value. */
function slots(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [
    [holder, key] as [typeof holder, string],
    ...slots(holder[key]),
  ]);
}

describe("addedImages", () => {
  const references = (now: unknown, old: unknown) => {
    const added = addedImages(pod(now), old === undefined ? undefined : pod(old));
    return added.ok ? added.images.map((use) => `${use.path} ${use.reference}`) : added.problems;
  };
  it("is everything on CREATE", () => {
    expect([references(everything, undefined), addedImages(pod(everything), null)]).toEqual([
      [
        "spec.containers[0].image a:1",
        "spec.containers[1].image b:1",
        "spec.initContainers[0].image c:1",
        "spec.ephemeralContainers[0].image d:1",
        "spec.volumes[0].image.reference e:1",
      ],
      imageUses(pod(everything)),
    ]);
  });
  it("is nothing when images stay, whatever their order and number", () => {
    const two = [{ image: "a" }, { image: "b" }];
    expect(references({ containers: two.toReversed() }, { containers: two })).toEqual([]);
    expect(references({ containers: [...two, { name: "again", image: "a" }] }, { containers: two })).toEqual(
      [],
    );
    expect(references({ containers: [{ image: "b" }] }, { containers: two })).toEqual([]);
  });
  it("is an image that another list held", () => {
    expect(references({ initContainers: [{ image: "a" }] }, { containers: [{ image: "a" }] })).toEqual([
      "spec.initContainers[0].image a",
    ]);
  });
  it("compares strings, not what they mean", () => {
    expect(
      references({ containers: [{ image: "nginx:latest" }] }, { containers: [{ image: "nginx" }] }),
    ).toEqual(["spec.containers[0].image nginx:latest"]);
  });
  it("cannot tell when either object cannot be read", () => {
    expect([references({ volumes: 1 }, {}), references({}, { volumes: 1 })]).toEqual([
      [{ path: "spec.volumes", problem: "expected an array, got 1" }],
      [{ path: "spec.volumes", problem: "in the old object, expected an array, got 1" }],
    ]);
  });
  it("says what a match condition says: some list holds a string that the old list did not", () => {
    fc.assert(
      fc.property(anyKind, podSpec, podSpec, (kind, now, old) => {
        const strings = (spec: Record<string, unknown>, list: string) =>
          ((spec[list] ?? []) as { image?: string | { reference: string }; rbd?: unknown }[])
            .filter((entry) => list !== "volumes" || entry.image !== undefined)
            .map((entry) => (typeof entry.image === "object" ? entry.image.reference : (entry.image ?? "")));
        const lists = ["containers", "initContainers", "ephemeralContainers", "volumes"];
        const matches = lists.some((list) =>
          strings(now, list).some((one) => !strings(old, list).includes(one)),
        );
        const added = addedImages(objectOf(kind, now), objectOf(kind, old));
        expect(added.ok && added.images.length > 0).toBe(matches);
      }),
    );
  });
});

describe("what else is read of an object", () => {
  it("finds the Pod spec of every kind", () => {
    expect(judgedKinds.map((kind) => podSpecOf(objectOf(kind, everything)))).toEqual(
      judgedKinds.map(() => everything),
    );
    expect([podSpecOf(undefined), podSpecOf({ kind: "Pod", apiVersion: "v1", spec: [] })]).toEqual([
      undefined,
      undefined,
    ]);
  });
  it("reads the labels of the Pods to be", () => {
    const labels = { app: "web" };
    const template = { metadata: { labels }, spec: {} };
    expect([
      templateLabels(pod({}, { labels })),
      templateLabels({
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { labels: { no: "" } },
        spec: { template },
      }),
      templateLabels({
        apiVersion: "batch/v1",
        kind: "CronJob",
        spec: { jobTemplate: { spec: { template } } },
      }),
      templateLabels({ apiVersion: "v1", kind: "PodTemplate", template }),
      templateLabels(pod({}, {})),
      templateLabels("Pod"),
    ]).toEqual([labels, labels, labels, labels, {}, {}]);
  });
  it("knows how the names of the Pods begin", () => {
    const job = byName("Job");
    expect([
      podNamePrefix(pod({}, { name: "web-1", generateName: "web-" })),
      podNamePrefix(pod({}, { name: "", generateName: "web-" })),
      podNamePrefix(pod({}, {})),
      podNamePrefix(objectOf(job, {}, { name: "nightly" })),
      podNamePrefix(objectOf(job, {}, { generateName: "nightly-" })),
      podNamePrefix(undefined),
    ]).toEqual(["web-1", "web-", "", "nightly-", "nightly-", ""]);
  });
  it("finds kinds by both apiVersion and kind", () => {
    expect([
      judgedKind("apps/v1", "Deployment")?.plural,
      judgedKind("v1", "Deployment"),
      judgedKind("v1", "toString"),
    ]).toEqual(["deployments", undefined, undefined]);
  });
});
