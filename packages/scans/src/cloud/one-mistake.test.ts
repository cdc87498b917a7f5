/** A vulnerable image's answers with any one thing in them wrong: none of them may come out as scanned and clean. */
import fc from "fast-check";
import type { ScanReport } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { artifactRegistrySource } from "../artifact-registry/artifact-registry-source.ts";
import { createListOccurrences } from "../artifact-registry/occurrences.ts";
import { ecrSource } from "../ecr/ecr-source.ts";
import {
  awsAccount,
  awsRegion,
  awsRegistry,
  googleProject,
  googleRegistry,
} from "../testing/clouds/index.ts";

const digest = `sha256:${"a".repeat(64)}`;
const signal = new AbortController().signal;
const at = 1_700_000_000;

type Json = Readonly<Record<string, unknown>>;
type Path = readonly (string | number)[];

/** Every place in a value, the value itself left out. */
function placesIn(value: unknown, before: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = [...before, Array.isArray(value) ? Number(key) : key];
    return [path, ...placesIn(inner, path)];
  });
}

/** A copy with another thing at a place; `undefined` leaves it out. */
function changed(value: unknown, [key, ...rest]: Path, put: unknown): unknown {
  if (key === undefined) return put;
  if (Array.isArray(value))
    return value.flatMap((inner: unknown, index) => {
      if (index !== key) return [inner];
      const next = changed(inner, rest, put);
      return next === undefined ? [] : [next];
    });
  const fields = value as Record<string, unknown>;
  return { ...fields, [key]: changed(fields[key], rest, put) };
}

const wrong = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    "",
    "x",
    0,
    -1,
    true,
    false,
    [],
    {},
    [{}],
    [null],
    "COMPLETE",
    "ACTIVE",
    digest,
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** What a cloud leaves a list out by. */
function isNone(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

const severityCounts = { HIGH: 1 };
const scan = {
  registryId: awsAccount,
  repositoryName: "app",
  imageId: { imageDigest: digest },
  imageScanStatus: { status: "COMPLETE" },
};
const basic = {
  ...scan,
  imageScanFindings: {
    imageScanCompletedAt: at,
    findingSeverityCounts: severityCounts,
    findings: [
      { name: "CVE-2026-0001", severity: "HIGH", attributes: [{ key: "package_name", value: "x" }] },
    ],
  },
};
const finding = {
  findingArn: "arn:1",
  type: "PACKAGE_VULNERABILITY",
  status: "ACTIVE",
  severity: "HIGH",
  exploitAvailable: "YES",
  lastObservedAt: at,
  packageVulnerabilityDetails: { vulnerabilityId: "CVE-2026-0001", vulnerablePackages: [{ name: "x" }] },
  resources: [{ details: { awsEcrContainerImage: { imageHash: digest, repositoryName: "app" } } }],
};
const enhanced = {
  ...scan,
  imageScanStatus: { status: "ACTIVE" },
  imageScanFindings: {
    imageScanCompletedAt: at,
    findingSeverityCounts: severityCounts,
    enhancedFindings: [finding],
  },
};
const coverage = {
  coveredResources: [
    {
      resourceId: `arn:aws:ecr:${awsRegion}:${awsAccount}:repository/app/${digest}`,
      scanStatus: { statusCode: "ACTIVE", reason: "SUCCESSFUL" },
      lastScannedAt: at,
    },
  ],
};
const details = { findingDetails: [{ findingArn: "arn:1", cisaData: {}, epssScore: 0.5 }] };

type Answers = Readonly<Record<string, Json>>;

async function ecrReport(answers: Answers, inspector: boolean): Promise<ScanReport> {
  const source = ecrSource({
    name: "ecr",
    registries: [awsRegistry],
    api: {
      ecr: () => Promise.resolve(answers["ecr"] as Json),
      inspector: ({ path }) => Promise.resolve(answers[path] as Json),
    },
    inspector,
  });
  return await source.report({ registry: awsRegistry, repository: "app", digest }, signal);
}

const resourceUri = `https://${googleRegistry}/${googleProject}/r/i@${digest}`;
const analysed: Answers = {
  DISCOVERY: {
    occurrences: [
      {
        resourceUri,
        kind: "DISCOVERY",
        discovery: {
          analysisStatus: "FINISHED_SUCCESS",
          continuousAnalysis: "ACTIVE",
          lastScanTime: "2026-11-22T09:00:00Z",
        },
      },
    ],
  },
  VULNERABILITY: {
    occurrences: [
      {
        resourceUri,
        kind: "VULNERABILITY",
        noteName: "projects/goog-vulnz/notes/CVE-2026-0001",
        vulnerability: { severity: "HIGH", packageIssue: [{ affectedPackage: "x" }], vexAssessment: {} },
      },
    ],
  },
};

async function googleReport(answers: Answers): Promise<ScanReport> {
  const source = artifactRegistrySource({
    name: "gar",
    registries: [googleRegistry],
    projects: [googleProject],
    list: createListOccurrences({
      token: { get: () => Promise.resolve("t"), expired: () => undefined },
      call: async ({ request }) => {
        const { url } = await request({ clockAheadMs: 0 });
        const kind =
          url.searchParams.get("filter")?.includes("DISCOVERY") === true ? "DISCOVERY" : "VULNERABILITY";
        return { status: 200, headers: new Headers(), text: JSON.stringify(answers[kind]), clockAheadMs: 0 };
      },
    }),
    now: () => Date.parse("2026-11-22T10:00:00Z"),
  });
  return await source.report(
    { registry: googleRegistry, repository: `${googleProject}/r/i`, digest },
    signal,
  );
}

test.each<[string, Answers, (answers: Answers) => Promise<ScanReport>, readonly Path[]]>([
  ["ECR, basic scanning", { ecr: basic }, async (answers) => await ecrReport(answers, false), []],
  ["ECR, enhanced scanning", { ecr: enhanced }, async (answers) => await ecrReport(answers, false), []],
  [
    "ECR with Inspector",
    {
      ecr: enhanced,
      "findings/list": { findings: [finding] },
      "coverage/list": coverage,
      "findings/details/batch/get": details,
    },
    async (answers) => await ecrReport(answers, true),
    [],
  ],
  [
    "Artifact Registry",
    analysed,
    googleReport,
    // Google leaves out an empty list: this is what a clean image looks like.
    [
      ["VULNERABILITY", "occurrences"],
      ["VULNERABILITY", "occurrences", 0],
    ],
  ],
])("%s", async (_what, answers, report, honest) => {
  const intact = await report(answers);
  expect([intact.state, intact.findings.length]).toEqual(["complete", 1]);
  const cleans = new Set(honest.map((path) => JSON.stringify(path)));
  const places = placesIn(answers).filter((path) => path.length > 1);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), wrong, async (place, put) => {
      fc.pre(!cleans.has(JSON.stringify(place)) || !isNone(put));
      const { state, findings } = await report(changed(answers, place, put) as Answers);
      return !(state === "complete" && findings.length === 0);
    }),
    { numRuns: 500 },
  );
});
