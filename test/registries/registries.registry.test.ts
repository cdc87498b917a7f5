import type { SourceConfig } from "@gatehouse/policy";
import { createLookUp, type LookUpService } from "@gatehouse/scans";
import { serverCertificate } from "@gatehouse/scans/testing/server-certificate";
import { keySigner } from "@gatehouse/scans/testing/sigstore-signer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pusher, runRegistry, type Pushed, type RunningRegistry } from "./run-registry.ts";

const signal = new AbortController().signal;
const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";

function statement(subject: Pushed, id: string): object {
  const at = new Date().toISOString();
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "app", digest: { sha256: subject.digest.slice("sha256:".length) } }],
    predicateType: "https://in-toto.io/attestation/vulns/v0.2",
    predicate: {
      scanner: {
        uri: "pkg:github/example/scanner",
        result: [{ id, severity: [{ method: "nvd", score: "HIGH" }] }],
      },
      metadata: { scanStartedOn: at, scanFinishedOn: at },
    },
  };
}

describe.each([
  ["distribution", true],
  ["referrers", false],
] as const)("%s", (program, fallback) => {
  let registry: RunningRegistry;
  let service: LookUpService;
  const signer = keySigner();

  beforeAll(async () => {
    registry = await runRegistry(program);
    const source: SourceConfig = {
      type: "referrer",
      name: "attached",
      registries: [registry.address],
      plainHttp: true,
      trust: [{ kind: "sigstore-key", publicKey: signer.publicKey }],
    };
    service = await createLookUp({ sources: [source] });
  });
  afterAll(async () => {
    await service.close();
    await registry.stop();
  });

  test("tag to digest, each platform, and the report that is attached to each", async () => {
    const push = pusher(`http://${registry.address}`, "team/app");
    const amd = await push.image("linux/amd64");
    const arm = await push.image("linux/arm64");
    const index = await push.index(
      [
        { ...amd, platform: "linux/amd64" },
        { ...arm, platform: "linux/arm64" },
      ],
      "1",
    );
    await push.attach(amd, bundleType, await signer.sign(statement(amd, "CVE-2026-1")), fallback);
    await push.attach(arm, bundleType, await keySigner().sign(statement(arm, "CVE-2026-2")), fallback);
    const scan = await service.lookUp(`${registry.address}/team/app:1`, {
      platforms: ["linux/amd64", "linux/arm64"],
      signal,
    });
    expect({
      digest: scan.digest,
      platforms: scan.platforms.map(({ report, ...rest }) => ({
        ...rest,
        state: report.state,
        trust: report.trust.kind,
        ids: report.findings.map(({ id }) => id),
      })),
    }).toEqual({
      digest: index.digest,
      platforms: [
        {
          platform: "linux/amd64",
          digest: amd.digest,
          createdAt: "2026-11-01T00:00:00.000Z",
          state: "complete",
          trust: "signed",
          ids: ["CVE-2026-1"],
        },
        {
          platform: "linux/arm64",
          digest: arm.digest,
          createdAt: "2026-11-01T00:00:00.000Z",
          state: "absent",
          trust: "source",
          ids: [],
        },
      ],
    });
  });

  test("what is not there, by tag and by digest", async () => {
    for (const name of [":none", `@sha256:${"0".repeat(64)}`]) {
      const scan = await service.lookUp(`${registry.address}/team/none${name}`, {
        platforms: ["linux/amd64"],
        signal,
      });
      expect(scan.platforms.map(({ report }) => report.state)).toEqual(["absent"]);
    }
  });
});

test.each(["distribution", "referrers"] as const)(
  "%s over TLS, at an endpoint of its own: its authority is believed when it is named",
  async (program) => {
    const [ours, theirs] = [
      await serverCertificate("registry.example"),
      await serverCertificate("registry.example"),
    ];
    const registry = await runRegistry(program, ours);
    const states = [];
    for (const { authority } of [ours, theirs]) {
      const service = await createLookUp({
        sources: [
          {
            type: "referrer",
            name: "attached",
            registries: ["registry.example"],
            endpoint: registry.address,
            caFile: "ca.pem",
            allowUnsigned: true,
          },
        ],
        readFile: () => Promise.resolve(authority),
      });
      const scan = await service.lookUp("registry.example/app:1", { platforms: ["linux/amd64"], signal });
      states.push(...scan.platforms.map(({ report }) => report.state));
    }
    await registry.stop();
    expect(states).toEqual(["absent", "unavailable"]);
  },
);

test("a registry that is dead is unavailable", async () => {
  const registry = await runRegistry("referrers");
  await registry.stop();
  const service = await createLookUp({
    sources: [
      {
        type: "referrer",
        name: "attached",
        registries: [registry.address],
        plainHttp: true,
        allowUnsigned: true,
      },
    ],
  });
  const scan = await service.lookUp(`${registry.address}/app:1`, { platforms: ["linux/amd64"], signal });
  expect(scan.platforms.map(({ report }) => [report.state, report.reason])).toEqual([
    ["unavailable", `${registry.address}: no connection (ECONNREFUSED)`],
  ]);
});
