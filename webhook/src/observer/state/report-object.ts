/** What the gate makes of one workload, as an OpenReports or PolicyReport object. */
import { hash } from "node:crypto";
import type { Manifest } from "@gatehouse/kube";
import {
  because,
  codeOf,
  judgedKinds,
  oneLine,
  type ImageDecision,
  type RuleResult,
  type Ruling,
  type Severity,
} from "@gatehouse/policy";
import type { Aspect } from "../background.ts";
import type { WorkloadSubjects } from "../inventory/subjects.ts";
import type { ReportApi } from "./report-api.ts";

/** Most results of one report, and most bytes of it as JSON: thousands of them share etcd with the cluster. */
export const reportLimits = { results: 20, bytes: 16 * 1024 } as const;
/** Annotation with the hash of what a report says, so that nothing is written that stands there already. */
export const contentAnnotation = "gatehouse.dev/content";
/** Labels by which our own reports are found. */
export const reportLabels: Readonly<Record<string, string>> = { "app.kubernetes.io/managed-by": "gatehouse" };

/** A report to be written. */
export interface ReportObject {
  readonly name: string;
  readonly namespace: string;
  readonly content: string;
  readonly manifest: Manifest;
}

type Outcome = "fail" | "warn" | "error" | "pass" | "skip";

/** Name of the report of an owner: of one length, whatever the owner's name. */
export function reportName(uid: string): string {
  return `gatehouse-${hash("sha256", uid, "hex").slice(0, 32)}`;
}

/** The report of a workload; undefined when nothing in the cluster could own it. */
export function reportObject(
  api: ReportApi,
  subjects: WorkloadSubjects,
  rulings: readonly (readonly [Aspect, Ruling])[],
): ReportObject | undefined {
  const owner = ownerOf(subjects);
  if (owner === undefined) return undefined;
  const summary = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
  const results: Record<string, unknown>[] = [];
  const seen = new Set<string>();
  for (const [aspect, { images }] of rulings)
    for (const image of images)
      for (const rule of image.rules) {
        const result = resultOf(image, rule);
        const key = JSON.stringify([rule.rule, image.digest ?? image.reference, result]);
        if (seen.has(key)) continue;
        seen.add(key);
        summary[result]++;
        if (result !== "pass" && result !== "skip") results.push(entryOf(aspect, image, rule, result));
      }
  results.sort((a, b) => weight(a["result"]) - weight(b["result"]));
  const build = (count: number) => {
    const body = {
      ...(api.hasSource ? { source: "gatehouse" } : {}),
      scope: { ...owner, namespace: subjects.namespace },
      summary,
      results: results.slice(0, count),
    };
    const content = hash("sha256", JSON.stringify(body), "hex").slice(0, 32);
    const name = reportName(owner.uid);
    const manifest: Manifest = {
      metadata: {
        name,
        namespace: subjects.namespace,
        labels: reportLabels,
        annotations: { [contentAnnotation]: content },
        ownerReferences: [owner],
      },
      ...body,
    };
    return { name, namespace: subjects.namespace, content, manifest };
  };
  let count = Math.min(results.length, reportLimits.results);
  let report = build(count);
  while (count > 0 && Buffer.byteLength(JSON.stringify(report.manifest)) > reportLimits.bytes)
    report = build(--count);
  return report;
}

function ownerOf({
  written,
  running,
}: WorkloadSubjects): { apiVersion: string; kind: string; name: string; uid: string } | undefined {
  const [subject] = [...written, ...running.map(({ subject }) => subject)];
  if (subject === undefined) return undefined;
  const { workload, object } = subject;
  // An owner of a kind that is not read: what it has made is there, and is deleted with it.
  const { kind, name, uid } = workload.resolved && workload.uid !== undefined ? workload : object;
  const known = judgedKinds.find((one) => one.kind === kind);
  if (known === undefined || uid === undefined || uid === "" || name === "") return undefined;
  const apiVersion = known.apiGroup === "" ? known.version : `${known.apiGroup}/${known.version}`;
  return { apiVersion, kind, name, uid };
}

function resultOf({ state }: ImageDecision, { outcome, status }: RuleResult): Outcome {
  if (outcome === "allow") return status === "evaluated" ? "pass" : "skip";
  if (state === "unavailable") return "error";
  return outcome === "deny" ? "fail" : "warn";
}

function weight(result: unknown): number {
  return ["fail", "error", "warn"].indexOf(String(result));
}

/** Severities that reports know. */
const severities: Readonly<Record<Severity, string | undefined>> = {
  critical: "critical",
  high: "high",
  medium: "medium",
  low: "low",
  negligible: "info",
  unknown: undefined,
};

function entryOf(
  aspect: Aspect,
  image: ImageDecision,
  rule: RuleResult,
  result: Outcome,
): Record<string, unknown> {
  const [worst] = rule.findings;
  const severity = worst && severities[worst.severity];
  return {
    source: "gatehouse",
    policy: oneLine(rule.rule, 100),
    rule: codeOf(image, rule),
    category: "Image vulnerabilities",
    ...(severity === undefined ? {} : { severity }),
    result,
    scored: rule.outcome === "deny",
    message: oneLine(because(image, rule), 240),
    properties: {
      image: oneLine(image.reference, 300),
      ...(image.digest === undefined ? {} : { digest: image.digest }),
      judged: aspect,
      state: image.state,
    },
  };
}
