import { describe, expect, test } from "vitest";
import { defenderArtifact } from "./artifact.ts";

const mdvm = { scanner: "MDVM", "in-toto.io/predicate-type": "https://in-toto.io/attestation/vulns/v0.2" };
const predicate = (...methods: unknown[]): object => ({
  scanner: {
    uri: "MDVM",
    result: [{ id: "CVE-2026-0001", severity: methods.map((method) => ({ method, score: "7.5" })) }],
  },
  metadata: { scanFinishedOn: "2026-11-22T09:00:00Z" },
});
const statement = (predicateType: string): object => ({
  _type: "https://in-toto.io/Statement/v1",
  subject: [],
  predicateType,
  predicate: predicate("nvd"),
});

describe("Defender's artifact", () => {
  test.each([
    "nvd",
    "NVD",
    "cvss",
    "cvss_score",
    "cvss_v3",
    "cvssv3.1",
    "cvss_v4_score",
    "epss",
    "epss_score",
  ])("rates by %s", (method) => {
    expect(defenderArtifact(predicate(method), mdvm)).toEqual({ kind: "report" });
  });

  test.each(["mdvm", "cvss5", "vendor", "", undefined, 7])("rates by %s, which is not known", (method) => {
    expect(defenderArtifact(predicate("nvd", method), mdvm).kind).toBe("unsupported");
  });

  test("without findings has no method that could be unknown", () => {
    expect(defenderArtifact({ scanner: { result: [] }, metadata: {} }, mdvm)).toEqual({ kind: "report" });
  });

  test("is of the predicate that is known, by its Statement or else by its annotation", () => {
    const v02 = "https://in-toto.io/attestation/vulns/v0.2";
    expect(defenderArtifact(statement(v02), { scanner: "MDVM" }).kind).toBe("report");
    expect(defenderArtifact(statement("https://in-toto.io/attestation/vulns/v0.3"), mdvm).kind).toBe(
      "unsupported",
    );
    expect(defenderArtifact(predicate("nvd"), { scanner: "MDVM" }).kind).toBe("unsupported");
  });

  test.each([undefined, null, {}, { scanner: "mdvm" }, { scanner: "trivy" }])(
    "is not what has annotations %o",
    (annotations) => {
      expect(defenderArtifact(predicate("nvd"), annotations)).toEqual({ kind: "other" });
    },
  );
});
