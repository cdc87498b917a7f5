/** `gatehouse check --output sarif`: SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/). */
import {
  because,
  codeOf,
  messageCodes,
  oneLine,
  sha256Hex,
  type ImageDecision,
  type MessageCode,
  type RuleResult,
} from "@gatehouse/policy";
import type { Judged } from "../judge.ts";
import type { Checked } from "./checked.ts";
import { objectWords } from "./check-text.ts";
import { findingLines } from "./finding-lines.ts";

/** A result for each rule that asks for something of an image, at the line that names the image. */
export function checkSarif({ judged, problems, policy, policyHash, mode, now }: Checked): string {
  const results = judged.flatMap(resultsOf);
  const named = [...new Set(results.map(({ ruleId }) => ruleId))].sort();
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "Gatehouse",
            rules: named.map((id) => ({
              id,
              shortDescription: { text: policy.rules[id]?.description ?? titleOf(id) },
              help: { text: policy.exemptionHelp },
            })),
          },
        },
        invocations: [
          {
            executionSuccessful: problems.length === 0,
            endTimeUtc: new Date(now).toISOString(),
            toolExecutionNotifications: problems.map(({ file, line, problem }) => ({
              level: "error",
              message: { text: oneLine(problem, 400) },
              locations: [locationOf(file, line)],
            })),
          },
        ],
        properties: { mode, policyHash },
        results,
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function titleOf(id: string): string {
  return Object.hasOwn(messageCodes, id) ? messageCodes[id as MessageCode].title : id;
}

interface SarifResult {
  ruleId: string;
  level: "error" | "warning";
  message: { text: string };
  locations: object[];
  partialFingerprints: Readonly<Record<string, string>>;
  properties: object;
}

function resultsOf(one: Judged): SarifResult[] {
  const { manifest, object } = one;
  if (one.verdict === "not-judged") return [];
  const about = objectWords(object);
  const make = (
    ruleId: string,
    level: SarifResult["level"],
    place: { line: number; what: string },
    text: string,
    properties: object,
  ): SarifResult => ({
    ruleId,
    level,
    message: { text },
    locations: [locationOf(manifest.file, place.line, about)],
    // The same however the file is edited around it.
    partialFingerprints: { "gatehouse/v1": sha256Hex([ruleId, about, place.what].join("\n")) },
    properties,
  });
  if (one.verdict === "refused")
    return one.problems.map(({ path, problem }) =>
      make(
        one.refusal.code,
        one.action === "deny" ? "error" : "warning",
        { line: manifest.lineOf(path), what: path },
        oneLine(`${path || "object"}: ${problem}`, 400),
        { code: one.refusal.code },
      ),
    );
  return one.ruling.images.flatMap((image) =>
    image.rules
      .filter(({ outcome }) => outcome !== "allow")
      .map((result) =>
        make(
          result.rule,
          result.outcome === "deny" && one.ruling.action === "deny" ? "error" : "warning",
          { line: manifest.lineOf(image.paths[0] ?? ""), what: image.reference },
          messageOf(image, result),
          {
            code: codeOf(image, result),
            image: oneLine(image.reference, 512),
            ...(image.digest === undefined ? {} : { digest: image.digest }),
            findings: result.findings.map(({ id }) => id),
          },
        ),
      ),
  );
}

function messageOf(image: ImageDecision, result: RuleResult): string {
  const verb = result.outcome === "deny" ? "denies" : "audits";
  const head = `${result.rule} ${verb} ${oneLine(image.reference, 512)}: ${because(image, result)}`;
  return [head, ...findingLines(result.findings)].join("\n");
}

function locationOf(file: string, line: number, object?: string): object {
  return {
    physicalLocation: {
      artifactLocation: { uri: file === "-" ? "stdin" : encodeURI(file.replaceAll("\\", "/")) },
      region: { startLine: line },
    },
    ...(object === undefined
      ? {}
      : { logicalLocations: [{ fullyQualifiedName: oneLine(object, 400), kind: "resource" }] }),
  };
}
