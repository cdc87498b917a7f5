import { expect, test } from "vitest";
import { fakeNetwork } from "../testing/fake-network.ts";
import { fakeRegistry, type FakeRegistry, type Stored } from "../testing/fake-registry.ts";
import { answers, on } from "../testing/misbehaviours.ts";
import { createRegistries } from "./registries.ts";
import { resolveImage } from "./resolve.ts";

const registry = "registry.example";
const signal = new AbortController().signal;

async function resolve(fake: FakeRegistry): Promise<unknown> {
  const client = createRegistries({
    connections: [{ registries: [registry], credential: () => Promise.resolve(undefined) }],
    fetch: fakeNetwork({ [registry]: fake.app }).fetch,
    now: () => Date.parse("2026-11-22T10:00:00Z"),
  }).client(registry);
  const reference = { registry, repository: "app", tag: "1", original: "app:1" };
  return await resolveImage(client, reference, signal).catch((error: { code: string }) => error.code);
}

function nested(fake: FakeRegistry, depth: number): Stored {
  const image = { ...fake.pushImage("app"), platform: "linux/amd64" };
  let top: Stored = fake.pushIndex("app", [image], depth === 1 ? { tag: "1" } : {});
  for (let level = 2; level <= depth; level++)
    top = fake.pushIndex("app", [top], level === depth ? { tag: "1" } : {});
  return image;
}

test("indexes in indexes are read three deep, no deeper", async () => {
  for (const depth of [1, 2, 3]) {
    const fake = fakeRegistry();
    const { digest } = nested(fake, depth);
    expect(await resolve(fake)).toMatchObject({ platforms: [{ platform: "linux/amd64", digest }] });
  }
  const fake = fakeRegistry();
  nested(fake, 4);
  expect(await resolve(fake)).toBe("too-large");
});

test("an index of more entries than are read is refused, not read in part", async () => {
  const fake = fakeRegistry();
  const entry = { ...fake.pushImage("app"), platform: "linux/amd64" };
  fake.pushIndex(
    "app",
    Array.from({ length: 201 }, () => entry),
    { tag: "1" },
  );
  expect(await resolve(fake)).toBe("too-large");
});

test("what is announced as an index and is none is refused", async () => {
  const fake = fakeRegistry();
  const image = fake.pushImage("app");
  fake.pushIndex("app", [{ ...image, mediaType: "application/vnd.oci.image.index.v1+json" }], { tag: "1" });
  expect(await resolve(fake)).toBe("malformed");
});

test("an entry that names no platform stays: a runtime may take it; an attestation does not", async () => {
  const fake = fakeRegistry();
  const [plain, note] = [fake.pushImage("app"), fake.pushImage("app", { content: "note" })];
  const index = fake.pushIndex("app", [plain, { ...note, platform: "unknown/unknown" }], { tag: "1" });
  expect(await resolve(fake)).toEqual({ digest: index.digest, platforms: [{ digest: plain.digest }] });
});

test("an annotation does not hide an entry that a runtime would take", async () => {
  const fake = fakeRegistry();
  const image = fake.pushImage("app");
  fake.pushManifest(
    "app",
    {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [
        {
          ...image,
          platform: { os: "linux", architecture: "amd64" },
          annotations: { "vnd.docker.reference.type": "attestation-manifest" },
        },
      ],
    },
    "1",
  );
  expect(await resolve(fake)).toMatchObject({
    platforms: [{ platform: "linux/amd64", digest: image.digest }],
  });
});

test("platform and age of a plain image come from its configuration, and are unknown without it", async () => {
  const fake = fakeRegistry();
  const { digest } = fake.pushImage("app", {
    tag: "1",
    platform: "linux/arm/v7",
    created: "2026-11-01T02:00:00+02:00",
  });
  expect(await resolve(fake)).toEqual({
    digest,
    platforms: [{ digest, platform: "linux/arm/v7", createdAt: "2026-11-01T00:00:00.000Z" }],
  });
  fake.misbehave = on(/blobs/, answers(404));
  expect(await resolve(fake)).toEqual({ digest, platforms: [{ digest }] });
});

test("1970 tells no age", async () => {
  const fake = fakeRegistry();
  const { digest } = fake.pushImage("app", { tag: "1", created: "1970-01-01T00:00:00Z" });
  expect(await resolve(fake)).toEqual({ digest, platforms: [{ digest, platform: "linux/amd64" }] });
});
