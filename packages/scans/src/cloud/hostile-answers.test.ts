import fc from "fast-check";
import type { ScanReport } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { artifactRegistrySource } from "../artifact-registry/artifact-registry-source.ts";
import { ecrSource } from "../ecr/ecr-source.ts";
import { awsRegistry, googleProject, googleRegistry } from "../testing/clouds/index.ts";

const digest = `sha256:${"a".repeat(64)}`;
const signal = new AbortController().signal;
const resourceUri = `https://${googleRegistry}/${googleProject}/r/i@${digest}`;
const instants = fc.constantFrom("2026-11-22T09:00:00Z", 1_700_000_000, "", 0, -1, Number.NaN, {}, null);
const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), instants);

/** Complete is never said without the time of a scan that ended, and no report breaks its own form. */
function sound(report: ScanReport): void {
  if (report.state === "complete") expect(report.scannedAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  else expect(typeof report.reason).toBe("string");
  for (const { id, severity } of report.findings)
    expect([typeof id, typeof severity]).toEqual(["string", "string"]);
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
}

const status = fc.oneof(fc.constantFrom("COMPLETE", "ACTIVE", "PENDING", "toString"), anything);
const finding = fc.oneof(
  anything,
  fc.record(
    {
      name: anything,
      severity: anything,
      attributes: anything,
      status: fc.constantFrom("ACTIVE", "SUPPRESSED", "CLOSED", "x"),
      lastObservedAt: instants,
      fixAvailable: fc.constantFrom("YES", "NO", "PARTIAL", "x"),
      packageVulnerabilityDetails: fc.record(
        {
          vulnerabilityId: fc.constantFrom("CVE-2026-0001", "", "x y", 7),
          cvss: anything,
          vulnerablePackages: fc.array(anything),
        },
        { requiredKeys: [] },
      ),
      resources: anything,
      epss: anything,
    },
    { requiredKeys: [] },
  ),
);

test("whatever ECR and Inspector answer, the report is sound", async () => {
  const page = fc.record(
    {
      imageId: fc.oneof(fc.constant({ imageDigest: digest }), anything),
      imageScanStatus: fc.oneof(anything, fc.record({ status, description: anything })),
      imageScanFindings: fc.oneof(
        anything,
        fc.record(
          {
            imageScanCompletedAt: instants,
            findings: fc.oneof(anything, fc.array(finding)),
            enhancedFindings: fc.oneof(anything, fc.array(finding)),
            findingSeverityCounts: anything,
          },
          { requiredKeys: [] },
        ),
      ),
      nextToken: fc.constantFrom(undefined, "", "again", 7),
      findings: fc.oneof(anything, fc.array(finding)),
      coveredResources: fc.oneof(
        anything,
        fc.array(
          fc.record({
            resourceId: fc.constantFrom(`arn:aws:ecr:r:a:repository/app/${digest}`, "x", 7),
            scanStatus: fc.oneof(
              anything,
              fc.record({ statusCode: fc.constantFrom("ACTIVE", "INACTIVE"), reason: anything }),
            ),
            lastScannedAt: instants,
          }),
        ),
      ),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(page, fc.boolean(), async (answer, inspector) => {
      const give = (): Promise<Readonly<Record<string, unknown>>> => Promise.resolve(answer);
      const source = ecrSource({
        name: "ecr",
        registries: [awsRegistry],
        api: { ecr: give, inspector: give },
        inspector,
      });
      sound(await source.report({ registry: awsRegistry, repository: "app", digest }, signal));
    }),
    { numRuns: 500 },
  );
});

test("whatever Container Analysis answers, the report is sound", async () => {
  const discovery = fc.oneof(
    anything,
    fc.record({
      resourceUri: fc.constant(resourceUri),
      discovery: fc.record(
        {
          analysisStatus: fc.oneof(fc.constantFrom("FINISHED_SUCCESS", "COMPLETE", "PENDING"), anything),
          continuousAnalysis: fc.oneof(fc.constantFrom("ACTIVE", "INACTIVE"), anything),
          lastScanTime: instants,
          archiveTime: instants,
          analysisError: fc.oneof(fc.constant([]), anything),
        },
        { requiredKeys: [] },
      ),
    }),
  );
  const vulnerability = fc.oneof(
    anything,
    fc.record({
      resourceUri: fc.oneof(fc.constant(resourceUri), anything),
      noteName: fc.oneof(fc.constant("projects/goog-vulnz/notes/CVE-2026-0001"), anything),
      vulnerability: fc.oneof(
        anything,
        fc.record({
          severity: anything,
          packageIssue: fc.oneof(anything, fc.array(anything)),
          vexAssessment: anything,
          risk: anything,
          relatedUrls: anything,
        }),
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(discovery), fc.array(vulnerability), async (records, vulnerabilities) => {
      const source = artifactRegistrySource({
        name: "gar",
        registries: [googleRegistry],
        projects: [googleProject],
        list: (kind) => Promise.resolve({ occurrences: kind === "DISCOVERY" ? records : vulnerabilities }),
        now: () => Date.parse("2026-11-22T10:00:00Z"),
      });
      sound(
        await source.report({ registry: googleRegistry, repository: `${googleProject}/r/i`, digest }, signal),
      );
    }),
    { numRuns: 500 },
  );
});
