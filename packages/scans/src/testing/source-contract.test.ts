import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScanReport } from "@gatehouse/policy";
import { createReportCache } from "../cache/cached-source.ts";
import { fileSource } from "../file/file-source.ts";
import { referrerSource } from "../referrer/referrer-source.ts";
import { createRegistries } from "../registry/registries.ts";
import type { ImageIdentity } from "../source.ts";
import { fakeNetwork } from "./fake-network.ts";
import { fakeRegistry } from "./fake-registry.ts";
import { memorySource } from "./memory-source.ts";
import { answers } from "./misbehaviours.ts";
import { sourceContract, type SourceUnderTest } from "./source-contract.ts";

const registry = "registry.example";
const scannedAt = "2026-11-22T08:00:00Z";
const ids = ["CVE-2026-1", "CVE-2026-2"];

function statement(digest: string, found: readonly string[]): string {
  return JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: `${registry}/app`, digest: { sha256: digest.slice("sha256:".length) } }],
    predicateType: "https://in-toto.io/attestation/vulns/v0.2",
    predicate: {
      scanner: { uri: "pkg:github/example/scanner", result: found.map((id) => ({ id, severity: [] })) },
      metadata: { scanStartedOn: scannedAt, scanFinishedOn: scannedAt },
    },
  });
}

const image = (letter: string): ImageIdentity => ({
  registry,
  repository: "app",
  digest: `sha256:${letter.repeat(64)}`,
});

sourceContract("memory", () => {
  const report = (found: readonly string[]): ScanReport => ({
    state: "complete",
    source: "memory",
    trust: { kind: "source" },
    scannedAt,
    findings: found.map((id) => ({ id, severity: "unknown" })),
  });
  const [vulnerable, clean, unscanned] = [image("a"), image("b"), image("c")];
  const reports = { [vulnerable.digest]: report(ids), [clean.digest]: report([]) };
  const source = memorySource({ reports, registries: [registry] });
  const made: SourceUnderTest = {
    source,
    vulnerable: { image: vulnerable, ids },
    clean,
    unscanned,
    uncovered: { registry: "other.example", repository: "app" },
    breakDown: () => source.breakDown(),
  };
  return Promise.resolve(made);
});

async function folder(): Promise<SourceUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "gatehouse-reports-"));
  const [vulnerable, clean, unscanned] = [image("a"), image("b"), image("c")];
  await writeFile(join(directory, "a.json"), statement(vulnerable.digest, ids));
  await writeFile(join(directory, "b.json"), statement(clean.digest, []));
  const source = fileSource({ name: "folder", directory, registries: [registry], pollMs: 60_000 });
  return {
    source: {
      ...source,
      async close() {
        await source.close();
        await rm(directory, { recursive: true, force: true });
      },
    },
    vulnerable: { image: vulnerable, ids },
    clean,
    unscanned,
    uncovered: { registry: "other.example", repository: "app" },
    async breakDown() {
      await rm(directory, { recursive: true });
      await source.reload();
    },
  };
}
sourceContract("a folder", folder);

function referrers(): SourceUnderTest {
  const fake = fakeRegistry({ host: registry });
  const now = (): number => Date.parse("2026-11-22T10:00:00Z");
  const [vulnerable, clean, unscanned] = ["one", "two", "three"].map((content) =>
    fake.pushImage("app", { content }),
  );
  if (vulnerable === undefined || clean === undefined || unscanned === undefined)
    throw new Error("three images");
  for (const [about, found] of [[vulnerable, ids] as const, [clean, []] as const])
    fake.attach("app", about, {
      artifactType: "application/vnd.in-toto+json",
      content: statement(about.digest, found),
    });
  const identify = ({ digest }: { digest: string }): ImageIdentity => ({
    registry,
    repository: "app",
    digest,
  });
  return {
    source: referrerSource({
      name: "attached",
      registries: [registry],
      clients: createRegistries({
        connections: [{ registries: [registry], credential: () => Promise.resolve(undefined) }],
        fetch: fakeNetwork({ [registry]: fake.app }).fetch,
        now,
      }),
      trusted: { notation: [], sigstore: [] },
      allowUnsigned: true,
      now,
    }),
    vulnerable: { image: identify(vulnerable), ids },
    clean: identify(clean),
    unscanned: identify(unscanned),
    uncovered: { registry: "other.example", repository: "app" },
    breakDown() {
      fake.misbehave = answers(403);
    },
  };
}
sourceContract("a registry's referrers", () => Promise.resolve(referrers()));

sourceContract("a registry's referrers, cached", () => {
  const made = referrers();
  const source = createReportCache({ clock: () => performance.now() })(made.source);
  return Promise.resolve({ ...made, source });
});
