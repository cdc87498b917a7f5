import { describe, expect, it } from "vitest";
import { applyMode, decide } from "./decide.ts";
import { admissionEvent, admissionEventSchema, eventKeyParts, type EventInput } from "./event.ts";
import { definePolicy, deny, exempt, findings, states } from "./build.ts";
import type { Finding } from "./finding.ts";
import type { ImageScan } from "./scan.ts";
import type { Subject } from "./subject.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const digest = `sha256:${"a".repeat(64)}`;
const reference = "registry.example/team/app:1.2";

const policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals do not ship",
      when: findings({ minSeverity: "critical" }),
      onScan: states.audit,
    }),
  },
  defaultRule: false,
  exemptions: {
    "one-of-them": exempt({
      reason: "not reachable",
      owner: "team",
      until: "2026-12-01",
      rules: ["no-criticals"],
      cves: "CVE-2026-9999",
    }),
  },
  exemptionHelp: "ask",
});

function scan(found: readonly Finding[]): ImageScan {
  return {
    digest,
    platforms: [
      {
        platform: "linux/amd64",
        digest,
        report: {
          state: "complete",
          source: "registry",
          trust: { kind: "signed", identity: "CN=scanner" },
          scannedAt: "2026-11-22T11:00:00Z",
          findings: found,
        },
      },
    ],
  };
}

const subject: Subject = {
  cluster: { name: "prod east", cloud: "azure" },
  namespace: { name: "shop" },
  object: { kind: "Deployment", name: "web", labels: {}, uid: "deployment-1" },
  pod: "web-",
  workload: { resolved: true, kind: "Deployment", name: "web", uid: "deployment-1" },
  images: [{ path: "spec.template.spec.containers[0].image", reference, name: "web", kind: "container" }],
};

function input(found: readonly Finding[], change: Partial<EventInput> = {}): EventInput {
  const scans = new Map([[reference, scan(found)]]);
  return {
    instance: "judge-0",
    cluster: subject.cluster,
    request: {
      uid: "request-1",
      operation: "CREATE",
      user: "alice@example.com",
      groups: ["devs"],
      apiVersion: "apps/v1",
    },
    subject,
    workload: subject.workload,
    verdict: { ruling: applyMode(decide(policy, subject, scans, now), "audit"), scans },
    policyHash: "f".repeat(64),
    at: now,
    durationMs: 1.23456,
    ...change,
  };
}

const critical = (id: string, name = "openssl"): Finding => ({
  id,
  severity: "critical",
  package: { name, version: "3.0.1" },
  fix: { available: true, version: "3.0.7" },
  epss: 0.5,
});

describe("admissionEvent", () => {
  it("tells the whole story of an admission", () => {
    const event = admissionEvent(input([critical("CVE-2026-0001"), critical("CVE-2026-9999")]), "key", 3);
    expect(event).toEqual({
      specversion: "1.0",
      type: "io.gatehouse.admission.v1",
      source: "/clusters/prod%20east/judges/judge-0",
      id: "request-1",
      time: "2026-11-22T12:00:00.000Z",
      subject: "shop/Deployment/web",
      datacontenttype: "application/json",
      data: {
        cluster: { name: "prod east", cloud: "azure" },
        request: {
          uid: "request-1",
          operation: "CREATE",
          user: "alice@example.com",
          groups: ["devs"],
          groupCount: 1,
        },
        object: {
          apiVersion: "apps/v1",
          kind: "Deployment",
          namespace: "shop",
          name: "web",
          uid: "deployment-1",
        },
        owner: { resolved: true, kind: "Deployment", name: "web", uid: "deployment-1" },
        mode: "audit",
        action: "audit",
        inDenyMode: "deny",
        code: "GH1001",
        policyHash: "f".repeat(64),
        imageCount: 1,
        images: [
          {
            reference,
            paths: ["spec.template.spec.containers[0].image"],
            digest,
            platform: "linux/amd64",
            platforms: [{ platform: "linux/amd64", digest, state: "complete" }],
            state: "complete",
            source: "registry",
            trust: "signed",
            signedBy: "CN=scanner",
            scannedAt: "2026-11-22T11:00:00Z",
            scanAgeSeconds: 3600,
            outcome: "deny",
            findingCount: 2,
            decidingCount: 1,
            deciding: [
              {
                id: "CVE-2026-0001",
                severity: "critical",
                package: "openssl",
                version: "3.0.1",
                fixedIn: "3.0.7",
                epss: 0.5,
              },
            ],
            rules: [
              {
                rule: "no-criticals",
                outcome: "deny",
                code: "GH1001",
                because: "1 finding: CVE-2026-0001",
                couldNotTell: 0,
              },
            ],
          },
        ],
        exemptions: [{ exemption: "one-of-them", daysLeft: 9 }],
        durationMs: 1.235,
        key: "key",
        count: 3,
      },
    });
    expect(admissionEventSchema.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
  });

  it("keeps the worst twenty findings and counts all", () => {
    const found = Array.from({ length: 300 }, (_, index) => critical(`CVE-2026-${1000 + index}`));
    const [image] = admissionEvent(input(found), "key", 1).data.images;
    expect([image?.decidingCount, image?.deciding.length, image?.findingCount]).toEqual([300, 20, 300]);
  });

  it("tells of an object that could not be judged", () => {
    const refusal = { code: "GH1022", problems: ["spec: expected an object"] } as const;
    const event = admissionEvent(input([], { verdict: { refusal, mode: "deny", action: "deny" } }), "key", 1);
    expect(admissionEventSchema.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
    expect(event.data).toMatchObject({
      action: "deny",
      inDenyMode: "deny",
      code: "GH1022",
      imageCount: 0,
      images: [],
      problems: ["spec: expected an object"],
    });
  });

  it("is bounded and safe whatever the requester is called", () => {
    const hostile = `\u001b[31m${"x".repeat(100_000)}\u202e`;
    const event = admissionEvent(
      input([critical(hostile, hostile)], {
        request: {
          uid: hostile,
          operation: "CREATE",
          user: hostile,
          groups: Array.from({ length: 5000 }, () => hostile),
        },
        subject: { ...subject, object: { ...subject.object, name: hostile } },
        workload: { resolved: false, reason: hostile },
        cluster: { name: "half \ud800 pair" },
      }),
      "key",
      1,
    );
    const text = JSON.stringify(event);
    expect(admissionEventSchema.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
    expect(text.length).toBeLessThan(20_000);
    expect(text).not.toMatch(/\\u001b|\u202e/);
    expect(event.data.request.groupCount).toBe(5000);
  });
});

describe("eventKeyParts", () => {
  it("is the same for the same owner, digests, verdict and policy only", () => {
    const base = eventKeyParts(input([critical("CVE-2026-0001")]));
    expect(eventKeyParts(input([critical("CVE-2026-0002")], { at: now + 1, durationMs: 9 }))).toBe(base);
    const others = [
      input([]),
      input([critical("CVE-2026-0001")], { policyHash: "0".repeat(64) }),
      input([critical("CVE-2026-0001")], {
        workload: { resolved: true, kind: "Deployment", name: "web", uid: "deployment-2" },
      }),
    ].map(eventKeyParts);
    expect(new Set([base, ...others]).size).toBe(4);
  });
});
