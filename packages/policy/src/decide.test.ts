import { describe, expect, test } from "vitest";
import { allOf, anyOf, audit, definePolicy, deny, exempt, findings, states } from "./build.ts";
import { applyMode, decide, referencesToScan } from "./decide.ts";
import type { Finding } from "./finding.ts";
import type { Policy } from "./model.ts";
import type { ImageScan, ScanReport, Scans } from "./scan.ts";
import { incompleteStates } from "./scan.ts";
import type { Subject } from "./subject.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const digest = `sha256:${"a".repeat(64)}`;
const critical: Finding = {
  id: "CVE-2026-0001",
  severity: "critical",
  package: { name: "openssl", version: "3.0.1", type: "deb" },
  fix: { available: true, version: "3.0.2", since: "2026-10-01T00:00:00Z" },
};

function report(over: Partial<ScanReport> = {}): ScanReport {
  return {
    state: "complete",
    source: "file",
    trust: { kind: "source" },
    scannedAt: "2026-11-22T00:00:00Z",
    findings: [],
    ...over,
  };
}

function scans(reference: string, ...reports: (ScanReport & { platform?: string })[]): Scans {
  const scan: ImageScan = {
    digest,
    platforms: reports.map(({ platform, ...rest }) => ({ ...(platform ? { platform } : {}), report: rest })),
  };
  return new Map([[reference, scan]]);
}

function subject(over: Partial<Subject> = {}): Subject {
  return {
    cluster: { name: "prod-1", labels: { tier: "prod" } },
    namespace: { name: "billing", labels: {} },
    object: { kind: "Pod", name: "api", labels: {} },
    pod: "api",
    workload: { resolved: true, kind: "Deployment", name: "api", uid: "u1" },
    images: [
      { path: "spec.containers[0].image", reference: "ghcr.io/acme/api:1", name: "api", kind: "container" },
    ],
    ...over,
  };
}

const image = "ghcr.io/acme/api:1";
const only = (rules: Parameters<typeof definePolicy>[0]["rules"], rest: object = {}): Policy =>
  definePolicy({ rules, defaultRule: false, ...rest });
const noCriticals = deny({
  description: "no criticals",
  when: findings({ minSeverity: "critical" }),
  onScan: states.audit,
});

describe("decide", () => {
  test("says of every rule what it made of the image and why", () => {
    const policy = only(
      {
        "no-criticals": noCriticals,
        other: audit({ description: "d", where: { namespace: "other" }, when: findings({}) }),
      },
      { exemptions: {} },
    );
    expect(decide(policy, subject(), scans(image, report({ findings: [critical] })), now)).toEqual({
      outcome: "deny",
      images: [
        {
          reference: image,
          paths: ["spec.containers[0].image"],
          digest,
          state: "complete",
          source: "file",
          trust: { kind: "source" },
          scannedAt: "2026-11-22T00:00:00Z",
          findingCount: 1,
          outcome: "deny",
          rules: [
            {
              rule: "no-criticals",
              action: "deny",
              outcome: "deny",
              status: "evaluated",
              matched: true,
              state: { state: "complete", outcome: "allow" },
              findings: [critical],
              setAside: [],
              couldNotTell: [],
            },
            {
              rule: "other",
              action: "audit",
              outcome: "allow",
              status: "out-of-scope",
              matched: false,
              state: { state: "complete", outcome: "allow" },
              findings: [],
              setAside: [],
              couldNotTell: [],
            },
          ],
        },
      ],
      exemptions: [],
    });
  });

  test.each(incompleteStates)("a strict rule denies a scan that is %s, an audit rule audits it", (state) => {
    const strict = deny({
      description: "d",
      when: findings({ minSeverity: "critical" }),
      onScan: states.strict,
    });
    const seen = scans(image, report({ state, reason: "why" }));
    expect(decide(only({ strict }), subject(), seen, now).outcome).toBe("deny");
    expect(decide(definePolicy({ rules: {} }), subject(), seen, now).outcome).toBe("audit");
  });

  test("an image that was not looked up is unavailable, not clean", () => {
    const strict = deny({
      description: "d",
      when: findings({ minSeverity: "critical" }),
      onScan: states.strict,
    });
    const decision = decide(only({ strict }), subject(), new Map(), now);
    expect([decision.outcome, decision.images[0]?.state]).toEqual(["deny", "unavailable"]);
  });

  test("a severity that the source does not know counts, and the decision says so", () => {
    const unknown: Finding = { id: "CVE-1", severity: "unknown" };
    const seen = scans(image, report({ findings: [unknown] }));
    const decision = decide(only({ r: noCriticals }), subject(), seen, now);
    expect(decision.images[0]?.rules[0]).toMatchObject({
      outcome: "deny",
      couldNotTell: [{ attribute: "severity", finding: "CVE-1" }],
    });
    const skipping = deny({
      description: "d",
      when: findings({ minSeverity: "critical", ifUnknown: "skip" }),
      onScan: states.audit,
    });
    expect(decide(only({ r: skipping }), subject(), seen, now).outcome).toBe("allow");
  });

  test("an exemption takes its finding out for its rule, package and image only", () => {
    const policy = only(
      { "no-criticals": noCriticals },
      {
        exemptions: {
          openssl: exempt({
            rules: ["no-criticals"],
            cves: ["CVE-2026-0001"],
            packages: ["openssl"],
            where: { namespace: "billing", repository: "acme/*" },
            reason: "TLS ends at the proxy",
            owner: "team-billing",
            until: "2026-12-31",
          }),
        },
      },
    );
    const seen = scans(image, report({ findings: [critical] }));
    const decision = decide(policy, subject(), seen, now);
    expect(decision.images[0]?.rules[0]).toMatchObject({
      outcome: "allow",
      setAside: [{ finding: "CVE-2026-0001", package: "openssl", by: { exemption: "openssl" } }],
    });
    expect(decision.exemptions).toEqual([{ exemption: "openssl", status: "used", daysLeft: 39 }]);
    const after = Date.parse("2027-01-01T00:00:00Z");
    expect(decide(policy, subject(), seen, after)).toMatchObject({
      outcome: "deny",
      exemptions: [{ exemption: "openssl", status: "expired" }],
    });
    const elsewhere = subject({ namespace: { name: "shop", labels: {} } });
    expect(decide(policy, elsewhere, seen, now)).toMatchObject({
      outcome: "deny",
      exemptions: [{ exemption: "openssl", status: "out-of-scope" }],
    });
  });

  test("a VEX statement takes its finding out, and is named", () => {
    const statement = {
      vulnerability: "CVE-2026-0001",
      status: "not_affected" as const,
      products: [{ repository: "ghcr.io/acme/api" }],
      justification: "vulnerable_code_not_in_execute_path",
      document: "https://acme.example/vex/1",
    };
    const policy = only({ r: noCriticals }, { vex: [statement] });
    const seen = scans(image, report({ findings: [critical, { ...critical, id: "CVE-2026-0002" }] }));
    expect(decide(policy, subject(), seen, now).images[0]?.rules[0]).toMatchObject({
      outcome: "deny",
      findings: [{ id: "CVE-2026-0002" }],
      setAside: [
        {
          finding: "CVE-2026-0001",
          package: "openssl",
          by: { vex: "https://acme.example/vex/1", justification: "vulnerable_code_not_in_execute_path" },
        },
      ],
    });
  });

  test("an exemption of one CVE does not excuse an advisory about several", () => {
    const advisory: Finding = { ...critical, id: "ELSA-2026-1", aliases: ["CVE-2026-1", "CVE-2026-2"] };
    const outcome = (...cves: string[]) => {
      const exemptions = { e: exempt({ cves, reason: "r", owner: "o", permanent: true }) };
      const seen = scans(image, report({ findings: [advisory] }));
      return decide(only({ r: noCriticals }, { exemptions }), subject(), seen, now).outcome;
    };
    expect([outcome("CVE-2026-1"), outcome("CVE-2026-1", "CVE-2026-2"), outcome("ELSA-2026-1")]).toEqual([
      "deny",
      "allow",
      "allow",
    ]);
  });

  test("untilFixed ends with the fix, and when nobody knows of one", () => {
    const policy = only(
      { r: noCriticals },
      {
        exemptions: {
          e: exempt({ cves: "CVE-2026-0001", reason: "r", owner: "o", permanent: true, untilFixed: true }),
        },
      },
    );
    const outcome = (finding: Finding) =>
      decide(policy, subject(), scans(image, report({ findings: [finding] })), now).outcome;
    const { fix: _, ...unknownFix } = critical;
    expect([
      outcome({ ...critical, fix: { available: false } }),
      outcome(critical),
      outcome(unknownFix),
    ]).toEqual(["allow", "deny", "deny"]);
  });

  test("an unresolved workload is in a deny rule's scope and in no exemption's", () => {
    const where = { workload: { name: "api" }, image: "ghcr.io/acme/api" };
    const policy = only(
      {
        r: deny({
          description: "d",
          where: { workload: { name: "api" } },
          when: findings({}),
          onScan: states.audit,
        }),
      },
      { exemptions: { e: exempt({ where, reason: "r", owner: "o", permanent: true }) } },
    );
    const seen = scans(image, report({ findings: [critical] }));
    expect(decide(policy, subject(), seen, now).outcome).toBe("allow");
    const unresolved = subject({ workload: { resolved: false, reason: "not found" } });
    expect(decide(policy, unresolved, seen, now)).toMatchObject({
      outcome: "deny",
      images: [{ rules: [{ couldNotTell: [{ attribute: "workload" }] }] }],
    });
  });

  test("the worst platform counts and is named", () => {
    const seen = scans(
      image,
      { ...report(), platform: "linux/amd64" },
      { ...report({ findings: [critical] }), platform: "linux/arm64" },
    );
    expect(decide(only({ r: noCriticals }), subject(), seen, now).images[0]).toMatchObject({
      outcome: "deny",
      platform: "linux/arm64",
    });
  });

  test("what already runs is audited until the date, and denied after it", () => {
    const rule = { ...noCriticals, running: { admitUntil: "2026-12-01" } };
    const running = subject({ running: [{ repository: "ghcr.io/acme/api", digests: [digest] }] });
    const seen = scans(image, report({ findings: [critical] }));
    expect(decide(only({ r: rule }), running, seen, now).images[0]?.rules[0]).toMatchObject({
      outcome: "audit",
      status: "already-running",
    });
    expect(decide(only({ r: rule }), running, seen, Date.parse("2026-12-02T00:00:00Z")).outcome).toBe("deny");
    expect(decide(only({ r: rule }), subject(), seen, now).outcome).toBe("deny");
  });

  test("conditions join with all-of and any-of, and count", () => {
    const when = anyOf(
      findings({ knownExploited: true }),
      allOf(findings({ atLeast: 2, minSeverity: "high" })),
    );
    const rule = deny({ description: "d", when, onScan: states.audit });
    const outcome = (list: Finding[]) =>
      decide(only({ r: rule }), subject(), scans(image, report({ findings: list })), now).outcome;
    const known = { ...critical, knownExploited: false };
    expect([
      outcome([known]),
      outcome([known, { ...known, id: "CVE-2" }]),
      outcome([{ ...known, knownExploited: true }]),
    ]).toEqual(["allow", "deny", "deny"]);
  });

  test("a filter over ages changes its mind at the moment the finding comes of age", () => {
    const rule = deny({ description: "d", when: findings({ fixAvailableFor: "14d" }), onScan: states.audit });
    const policy = only({ r: rule });
    const seen = scans(image, report({ findings: [critical] }));
    const due = Date.parse("2026-10-15T00:00:00Z");
    expect([due - 1, due, due + 1, due].map((at) => decide(policy, subject(), seen, at).outcome)).toEqual([
      "allow",
      "allow",
      "deny",
      "allow",
    ]);
  });
});

test("mode audit caps a decision and keeps what deny would have done", () => {
  const decision = decide(
    only({ r: noCriticals }),
    subject(),
    scans(image, report({ findings: [critical] })),
    now,
  );
  expect(applyMode(decision, "audit")).toEqual({
    ...decision,
    mode: "audit",
    action: "audit",
    inDenyMode: "deny",
  });
  expect(applyMode(decision, "deny")).toMatchObject({ action: "deny", inDenyMode: "deny" });
});

test("only references that a rule may ask about are worth a look-up", () => {
  const policy = only({
    r: deny({ description: "d", where: { registry: "ghcr.io" }, when: findings({}), onScan: states.audit }),
  });
  const images = ["ghcr.io/acme/api:1", "nginx", "NOT VALID"].map((reference, index) => ({
    path: `spec.containers[${index}].image`,
    reference,
    name: "c",
    kind: "container" as const,
  }));
  expect(referencesToScan(policy, subject({ images }))).toEqual(["ghcr.io/acme/api:1", "NOT VALID"]);
});

test("one image under many references is weighed once: what its findings come to is shared", () => {
  const unknown: Finding = { id: "CVE-2026-0002", severity: "unknown" };
  const policy = only({
    r: deny({
      description: "d",
      when: anyOf(findings({ minSeverity: "critical" }), findings({ cves: "CVE-2026-*" })),
      onScan: states.audit,
    }),
  });
  const images = Array.from({ length: 200 }, (_, index) => ({
    path: `spec.containers[${index}].image`,
    reference: `ghcr.io/acme/api:${index}`,
    name: "c",
    kind: "container" as const,
  }));
  const [one] = scans(image, report({ findings: [critical, unknown] })).values();
  if (one === undefined) throw new Error("expected a scan");
  const all = new Map(images.map(({ reference }) => [reference, one]));
  const rules = decide(policy, subject({ images }), all, now).images.flatMap((decided) => decided.rules);
  expect(rules.length).toBe(200);
  expect([...new Set(rules.map((rule) => rule.findings))]).toEqual([[critical, unknown]]);
  expect([...new Set(rules.map((rule) => rule.couldNotTell))]).toEqual([
    [{ attribute: "severity", finding: "CVE-2026-0002" }],
  ]);
});
