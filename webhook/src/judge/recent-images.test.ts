import { unscanned, type ImageScan } from "@gatehouse/policy";
import { createLookUp } from "@gatehouse/scans";
import { fakeNetwork, fakeRegistry } from "@gatehouse/scans/testing";
import { afterEach, expect, test, vi } from "vitest";
import { scanned } from "../testing/fixtures.ts";
import { createRecentImages } from "./recent-images.ts";

afterEach(() => {
  vi.useRealTimers();
});

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const signal = new AbortController().signal;
const terms = { platforms: [], signal };

function setUp(answers: Readonly<Record<string, ImageScan>>, most?: number) {
  let at = 0;
  const recent = createRecentImages({
    lookUp: (reference) => Promise.resolve(answers[reference] ?? unscanned("absent", "none", "memory")),
    now: () => at,
    forMs: 1000,
    most,
  });
  return { recent, advance: (ms: number) => (at += ms) };
}

const state = (one: "stale" | "partial" | "unavailable" | "pending"): ImageScan =>
  unscanned(one, "so it is", "memory", digest("d"));

test("what was asked for by tag is remembered by digest, once, and the answer is the look-up's own", async () => {
  const clean = scanned([], digest("a"));
  const { recent, advance } = setUp({
    "r.io/a:1": clean,
    "r.io/a:2": clean,
    nginx: scanned([], digest("b")),
  });
  expect(await recent.lookUp("r.io/a:1", terms)).toBe(clean);
  await recent.lookUp("nginx", terms);
  advance(1);
  await recent.lookUp("r.io/a:2", terms);
  expect(recent.images()).toEqual([`docker.io/library/nginx@${digest("b")}`, `r.io/a@${digest("a")}`]);
});

test.each([
  ["stale", 1],
  ["partial", 0],
  ["pending", 0],
  ["unavailable", 0],
] as const)("a scan that is %s: %i remembered", async (one, count) => {
  const { recent } = setUp({ "r.io/a:1": state(one) });
  await recent.lookUp("r.io/a:1", terms);
  expect(recent.images()).toHaveLength(count);
});

test("one that nobody has asked for since is forgotten", async () => {
  const { recent, advance } = setUp({
    "r.io/a:1": scanned([], digest("a")),
    "r.io/b:1": scanned([], digest("b")),
  });
  await recent.lookUp("r.io/a:1", terms);
  await recent.lookUp("r.io/b:1", terms);
  advance(999);
  await recent.lookUp("r.io/b:1", terms);
  advance(1);
  expect(recent.images()).toEqual([`r.io/b@${digest("b")}`]);
});

test("of more than are remembered, those asked for longest ago go", async () => {
  const answers = Object.fromEntries(
    ["a", "b", "c"].map((letter) => [`r.io/${letter}:1`, scanned([], digest(letter))]),
  );
  const { recent, advance } = setUp(answers, 2);
  for (const letter of ["a", "b", "a", "c"]) {
    await recent.lookUp(`r.io/${letter}:1`, terms);
    advance(1);
  }
  expect(recent.images()).toEqual([`r.io/a@${digest("a")}`, `r.io/c@${digest("c")}`]);
});

test("an image asked for once is answered hours later without asking anybody, and by what is known now", async () => {
  vi.useFakeTimers({ now: Date.parse("2026-11-22T10:00:00Z") });
  const host = "registry.example.com";
  const registry = fakeRegistry({ host });
  const image = registry.pushImage("app", { tag: "1", platform: "linux/amd64" });
  const attach = (scannedAt: string): unknown =>
    registry.attach("app", image, {
      artifactType: "application/vnd.aquasec.trivy.report+json",
      mediaType: "application/json",
      content: JSON.stringify({
        SchemaVersion: 2,
        CreatedAt: scannedAt,
        ArtifactName: "app",
        ArtifactType: "container_image",
        Metadata: { RepoDigests: [`${host}/app@${image.digest}`] },
        Results: [{ Target: "app", Class: "os-pkgs", Type: "debian" }],
      }),
    });
  attach("2026-11-22T09:00:00Z");
  const network = fakeNetwork({ [host]: registry.app });
  const service = await createLookUp({
    sources: [{ type: "referrer", name: "attached", registries: [host], allowUnsigned: true }],
    fetch: network.fetch,
  });
  const recent = createRecentImages({ lookUp: service.lookUp, now: Date.now });
  const ending = new AbortController();
  const warm = service.keepWarm(
    { images: () => recent.images(), platforms: () => ["linux/amd64"] },
    ending.signal,
  );
  const ask = async (reference: string): Promise<string | undefined> =>
    (await recent.lookUp(reference, { platforms: ["linux/amd64"], signal })).platforms[0]?.report.scannedAt;
  try {
    expect(await ask(`${host}/app:1`)).toBe("2026-11-22T09:00:00Z");
    attach("2026-11-22T11:00:00Z");
    await vi.advanceTimersByTimeAsync(5 * 3_600_000);
    // From now on the registry answers nobody, so that what is answered was held.
    registry.misbehave = async () => await new Promise(() => {});
    expect(await ask(`${host}/app:1@${image.digest}`)).toBe("2026-11-22T11:00:00Z");
  } finally {
    ending.abort();
    await warm;
    await service.close();
  }
});
