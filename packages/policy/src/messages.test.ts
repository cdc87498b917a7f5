import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ImageDecision, RuleResult, Ruling } from "./decision.ts";
import type { Finding } from "./finding.ts";
import { messageCodes } from "./message-codes.ts";
import { denialMessage, refusalMessage } from "./messages.ts";
import type { Outcome, Policy } from "./model.ts";
import { leadingCode } from "./reasons.ts";
import { incompleteStates } from "./scan.ts";
import type { Subject } from "./subject.ts";
import { refusalWarning, warningLength, warnings, warningsLength } from "./warnings.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

const critical: Finding = {
  id: "CVE-2026-0001",
  severity: "critical",
  package: { name: "openssl", version: "3.0.1" },
  fix: { available: true, version: "3.0.7" },
  knownExploited: true,
};
const high: Finding = {
  id: "CVE-2026-0002",
  severity: "high",
  package: { name: "zlib" },
  fix: { available: false },
};

function result(change: Partial<RuleResult> = {}): RuleResult {
  return {
    rule: "no-criticals",
    action: "deny",
    outcome: "deny",
    status: "evaluated",
    matched: true,
    state: { state: "complete", outcome: "allow" },
    findings: [critical, high],
    setAside: [],
    couldNotTell: [],
    ...change,
  };
}

function image(change: Partial<ImageDecision> = {}): ImageDecision {
  const rules = change.rules ?? [result()];
  return {
    reference: "registry.example/team/app:1.2",
    paths: ["spec.template.spec.containers[0].image"],
    digest,
    platform: "linux/amd64",
    state: "complete",
    source: "registry",
    trust: { kind: "source" },
    scannedAt: "2026-11-20T08:00:00Z",
    findingCount: 12,
    outcome: rules.some(({ outcome }) => outcome === "deny") ? "deny" : "audit",
    rules,
    ...change,
  };
}

function ruling(images: readonly ImageDecision[], mode: Ruling["mode"] = "deny"): Ruling {
  const outcome: Outcome = images.some((one) => one.outcome === "deny") ? "deny" : "audit";
  return {
    outcome,
    images,
    exemptions: [],
    mode,
    action: mode === "audit" ? "audit" : outcome,
    inDenyMode: outcome,
  };
}

const subject: Subject = {
  cluster: { name: "prod" },
  namespace: { name: "shop" },
  object: { kind: "Deployment", name: "web", labels: {} },
  pod: "web-",
  workload: { resolved: true, kind: "Deployment", name: "web" },
  images: [
    {
      path: "spec.template.spec.containers[0].image",
      reference: "registry.example/team/app:1.2",
      name: "web",
      kind: "container",
    },
  ],
};

const policy: Pick<Policy, "rules" | "exemptionHelp"> = {
  rules: {
    "no-criticals": {
      description: "Criticals with a fix do not ship",
      action: "deny",
      enabled: true,
      when: { findings: { minSeverity: "critical" } },
      onScan: {
        pending: "deny",
        partial: "deny",
        failed: "deny",
        unsupported: "deny",
        absent: "deny",
        stale: "deny",
        unavailable: "deny",
      },
    },
  },
  exemptionHelp: "Ask in #security with the code",
};

const denial = (one: ImageDecision) => denialMessage({ ruling: ruling([one]), subject, policy });

describe("denialMessage", () => {
  it("names image, digest, place, rule, findings with their fixes, scan time and the way to an exemption", () => {
    expect(denial(image())).toBe(
      [
        "Gatehouse denied Deployment shop/web [GH1001]",
        "",
        "Image registry.example/team/app:1.2",
        `  Digest: ${digest} (linux/amd64)`,
        "  In: container web at spec.template.spec.containers[0].image",
        "  Rule no-criticals: Criticals with a fix do not ship [GH1001]",
        "    2 findings (scanned 2026-11-20T08:00:00Z, registry):",
        "      CVE-2026-0001, critical, in openssl 3.0.1, fixed in 3.0.7, known to be exploited",
        "      CVE-2026-0002, high, in zlib, no fix yet",
        "",
        "Exemption: Ask in #security with the code",
      ].join("\n"),
    );
  });

  it("shows the worst five findings and counts the others", () => {
    const findings = Array.from({ length: 8 }, (_, index): Finding => ({
      ...high,
      id: `CVE-2026-1${index}`,
    }));
    expect(
      denial(image({ rules: [result({ findings })] }))
        .split("\n")
        .slice(6, 13),
    ).toEqual([
      "    8 findings (scanned 2026-11-20T08:00:00Z, registry):",
      "      CVE-2026-10, high, in zlib, no fix yet",
      "      CVE-2026-11, high, in zlib, no fix yet",
      "      CVE-2026-12, high, in zlib, no fix yet",
      "      CVE-2026-13, high, in zlib, no fix yet",
      "      CVE-2026-14, high, in zlib, no fix yet",
      "      and 3 more",
    ]);
  });

  it("says what the scan state is, with a code and advice of its own for each", () => {
    const codes = incompleteStates.map((state) => {
      const one = image({
        state,
        stateReason: "because",
        rules: [result({ matched: false, findings: [], state: { state, outcome: "deny" } })],
      });
      return denial(one).split("\n").slice(5, 8);
    });
    expect(new Set(codes.map((lines) => lines[2])).size).toBe(incompleteStates.length);
    expect(codes[0]).toEqual([
      "  Rule no-criticals: Criticals with a fix do not ship [GH1011]",
      "    The scan is still running, says registry: because",
      "    Wait for the scan to end, then deploy again.",
    ]);
  });

  it("tells what it could not tell apart from a violation", () => {
    const findings = [high];
    const couldNotTell = [{ attribute: "epss", finding: high.id }];
    expect(
      denial(image({ rules: [result({ findings, couldNotTell })] }))
        .split("\n")
        .slice(5, 10),
    ).toEqual([
      "  Rule no-criticals: Criticals with a fix do not ship [GH1003]",
      "    1 finding (scanned 2026-11-20T08:00:00Z, registry):",
      "      CVE-2026-0002, high, in zlib, no fix yet",
      "    The gate could not tell, and the rule counts what is unknown.",
      "    Not known: epss of CVE-2026-0002",
    ]);
  });

  it("says which reference is not valid", () => {
    const one = image({
      reference: "Not Valid",
      state: "unsupported",
      rules: [result({ matched: false, findings: [], state: { state: "unsupported", outcome: "deny" } })],
    });
    const lines = denial(one).split("\n");
    expect(lines[0]).toBe("Gatehouse denied Deployment shop/web [GH1021]");
    expect(lines.find((line) => line.includes("not valid"))).toMatch(/^ {4}the reference is not valid: /);
  });

  it("speaks of conditions that no finding meets", () => {
    expect(denial(image({ rules: [result({ findings: [] })] }))).toContain(
      "    its condition on the age of the image or scan, or on who signed the report, holds",
    );
  });

  it("lets nothing of a requester or scanner move a cursor", () => {
    const evil = "\u001b[2J\u202eevil\n[GH9999]";
    const one = image({
      reference: evil,
      source: evil,
      rules: [result({ findings: [{ ...critical, id: evil, package: { name: evil, version: evil } }] })],
    });
    const text = denialMessage({
      ruling: ruling([one]),
      subject: { ...subject, object: { ...subject.object, name: evil } },
      policy,
    });
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(text.split("\n").filter((line) => line.startsWith("[GH9999]"))).toEqual([]);
  });
});

describe("warnings", () => {
  it("are one line each, what deny mode would refuse first", () => {
    const audited = image({ reference: "a:1", rules: [result({ rule: "watch", outcome: "audit" })] });
    expect(warnings(ruling([audited, image()], "audit"))).toEqual([
      "[GH1001] deny mode would refuse registry.example/team/app:1.2 (no-criticals): CVE-2026-0001, CVE-2026-0002",
      "[GH1001] audit a:1 (watch): CVE-2026-0001, CVE-2026-0002",
    ]);
  });

  it("count the ids that do not fit", () => {
    const findings = Array.from({ length: 30 }, (_, index): Finding => ({
      ...high,
      id: `CVE-2026-${10_000 + index}`,
    }));
    expect(warnings(ruling([image({ rules: [result({ findings })] })], "audit"))).toEqual([
      "[GH1001] deny mode would refuse registry.example/team/app:1.2 (no-criticals): CVE-2026-10000, CVE-2026-10001, +28 more",
    ]);
  });

  it("name the platform's digest by its first digits", () => {
    const one = image({
      reference: `registry.example/app@${digest}`,
      rules: [result({ findings: [critical] })],
    });
    expect(warnings(ruling([one], "audit"))).toEqual([
      "[GH1001] deny mode would refuse registry.example/app@sha256:0123456789ab (no-criticals): CVE-2026-0001",
    ]);
  });

  it("stay within every limit, never cut an id and drop nothing silently", () => {
    const text = fc.string({ unit: "binary", maxLength: 300 });
    const id = fc.oneof(
      fc.integer({ min: 1, max: 9_999_999 }).map((number) => `CVE-2026-${String(number).padStart(4, "0")}`),
      text,
    );
    const images = fc.array(
      fc.record({ reference: text, rule: text, ids: fc.array(id, { minLength: 1, maxLength: 30 }) }),
      { minLength: 1, maxLength: 80 },
    );
    fc.assert(
      fc.property(images, (all) => {
        const lines = warnings(
          ruling(
            all.map(({ reference, rule, ids }) =>
              image({
                reference,
                rules: [result({ rule, findings: ids.map((one) => ({ ...high, id: one })) })],
              }),
            ),
            "audit",
          ),
        );
        const known = new Set(all.flatMap(({ ids }) => ids));
        for (const line of lines) {
          expect(Array.from(line).length).toBeLessThanOrEqual(warningLength);
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          expect(line.isWellFormed()).toBe(true);
          const [, listed = ""] = /\): (.*)$/u.exec(line) ?? [];
          for (const [shown] of listed.matchAll(/CVE-2026-\d+/g)) expect(known).toContain(shown);
        }
        expect(lines.reduce((sum, line) => sum + Array.from(line).length, 0)).toBeLessThanOrEqual(
          warningsLength,
        );
        expect(lines.length).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  it("say how many more there are", () => {
    const many = Array.from({ length: 100 }, (_, index) =>
      image({ reference: `registry.example/team/application-${index}:1` }),
    );
    const lines = warnings(ruling(many, "audit"));
    expect(lines.at(-1)).toBe(`and ${100 - (lines.length - 1)} more warnings; the gate's event has them all`);
  });
});

describe("leadingCode", () => {
  it("is that of the worst image", () => {
    const pending = image({
      state: "pending",
      rules: [
        result({
          outcome: "audit",
          matched: false,
          findings: [],
          state: { state: "pending", outcome: "audit" },
        }),
      ],
    });
    expect(leadingCode(ruling([pending, image()]))).toBe("GH1001");
    expect(leadingCode(ruling([pending]))).toBe("GH1011");
    expect(leadingCode(ruling([]))).toBeUndefined();
  });
});

describe("refusals", () => {
  const refusal = {
    code: "GH1022",
    problems: ["spec.containers: expected an array, got a \u001b[31mstring"],
  } as const;

  it("list what is wrong", () => {
    expect(refusalMessage(refusal, "Pod shop/web", "uid-1")).toBe(
      [
        "Gatehouse denied Pod shop/web [GH1022]",
        "",
        "The object's images cannot be read",
        "  spec.containers: expected an array, got a string",
        "",
        "Request uid-1",
      ].join("\n"),
    );
  });

  it("fit a warning", () => {
    expect(refusalWarning(refusal)).toBe(
      "[GH1022] deny mode would refuse: The object's images cannot be read: spec.containers: expected an array, got a string",
    );
  });
});

describe("messageCodes", () => {
  it("have an entry in plain words each", () => {
    for (const [code, entry] of Object.entries(messageCodes)) {
      expect(code).toMatch(/^GH1\d{3}$/);
      expect(entry.why).toMatch(/\.$/);
      expect(entry.mend).toMatch(/\.$/);
    }
  });
});
