/** Builds the gate's admission events. */
import type { ImageDecision } from "./decision.ts";
import {
  admissionEventType,
  eventLimits,
  type AdmissionData,
  type AdmissionEvent,
  type EventInput,
} from "./event-form.ts";
import type { Finding } from "./finding.ts";
import { because, codeOf, leadingCode } from "./reasons.ts";
import type { MessageCode } from "./message-codes.ts";
import { momentMs } from "./moment.ts";
import { oneLine } from "./safe-text.ts";
import type { ImageScan } from "./scan.ts";
import { compareSeverity } from "./severity.ts";
import type { Workload } from "./subject.ts";

export * from "./event-form.ts";

/** The parts that say whether two decisions are the same one again; the caller hashes them. */
export function eventKeyParts(input: EventInput): string {
  const { subject, workload, verdict } = input;
  const owner = workload.resolved
    ? (workload.uid ?? `${subject.namespace.name}/${workload.kind}/${workload.name}`)
    : (subject.object.uid ??
      `${subject.namespace.name}/${subject.object.kind}/${subject.object.name || subject.pod}`);
  const said =
    "ruling" in verdict
      ? [
          verdict.ruling.action,
          verdict.ruling.inDenyMode,
          ...verdict.ruling.images.map((image) => image.digest ?? image.reference).sort(),
        ]
      : [verdict.action, verdict.refusal.code];
  return JSON.stringify([owner, input.policyHash, ...said]);
}

/** Builds the event, to be written as JSON. `key` identifies what {@link eventKeyParts} says; `count` is how often it has been said. */
export function admissionEvent(input: EventInput, key: string, countSoFar: number): AdmissionEvent {
  const { subject, verdict, request } = input;
  const name = subject.object.name || subject.pod;
  const kind = oneLine(subject.object.kind, 100);
  const namespace = oneLine(subject.namespace.name, 100);
  const ruling = "ruling" in verdict ? verdict.ruling : undefined;
  const code: MessageCode | undefined =
    "ruling" in verdict ? leadingCode(verdict.ruling) : verdict.refusal.code;
  const data: AdmissionData = {
    cluster: sparse({
      name: input.cluster.name,
      cloud: input.cluster.cloud,
      account: input.cluster.account,
      region: input.cluster.region,
    }),
    request: sparse({
      uid: oneLine(request.uid, 100),
      operation: oneLine(request.operation, 20),
      subresource: request.subresource === undefined ? undefined : oneLine(request.subresource, 60),
      user: oneLine(request.user, 300),
      groups: request.groups.slice(0, eventLimits.groups).map((group) => oneLine(group, 300)),
      groupCount: request.groups.length,
    }),
    object: sparse({
      apiVersion: request.apiVersion === undefined ? undefined : oneLine(request.apiVersion, 200),
      kind,
      namespace,
      name: oneLine(name, 253),
      uid: subject.object.uid === undefined ? undefined : oneLine(subject.object.uid, 100),
    }),
    owner: ownerOf(input.workload),
    ...(input.mirror === true ? { mirror: true as const } : {}),
    mode: "ruling" in verdict ? verdict.ruling.mode : verdict.mode,
    action: "ruling" in verdict ? verdict.ruling.action : verdict.action,
    inDenyMode: ruling?.inDenyMode ?? "deny",
    ...(code === undefined ? {} : { code }),
    policyHash: input.policyHash,
    imageCount: ruling?.images.length ?? 0,
    images:
      "ruling" in verdict
        ? verdict.ruling.images
            .slice(0, eventLimits.images)
            .map((image) => imageOf(image, verdict.scans.get(image.reference), input.at))
        : [],
    exemptions: (ruling?.exemptions ?? [])
      .filter((exemption) => exemption.status === "used")
      .slice(0, eventLimits.exemptions)
      .map((exemption) =>
        sparse({
          exemption: exemption.exemption,
          daysLeft: exemption.daysLeft,
          emergency: exemption.exemption.startsWith("emergency/") ? (true as const) : undefined,
        }),
      ),
    ...("refusal" in verdict
      ? {
          problems: verdict.refusal.problems
            .slice(0, eventLimits.problems)
            .map((problem) => oneLine(problem, 300)),
        }
      : {}),
    durationMs: Math.max(0, Math.round(input.durationMs * 1000) / 1000),
    key,
    count: countSoFar,
  };
  return {
    specversion: "1.0",
    type: admissionEventType,
    source: `/clusters/${encodeURIComponent(input.cluster.name.toWellFormed())}/judges/${encodeURIComponent(input.instance.toWellFormed())}`,
    id: oneLine(request.uid, 100),
    time: new Date(input.at).toISOString(),
    subject: `${namespace}/${kind}/${oneLine(name, 253)}`,
    datacontenttype: "application/json",
    data,
  };
}

function ownerOf(workload: Workload): AdmissionData["owner"] {
  if (!workload.resolved) return { resolved: false, reason: oneLine(workload.reason, 200) };
  return sparse({
    resolved: true as const,
    kind: oneLine(workload.kind, 100),
    name: oneLine(workload.name, 253),
    uid: workload.uid === undefined ? undefined : oneLine(workload.uid, 100),
  });
}

function imageOf(
  image: ImageDecision,
  scan: ImageScan | undefined,
  at: number,
): AdmissionData["images"][number] {
  const asking = image.outcome === "allow" ? [] : image.rules.filter((rule) => rule.outcome !== "allow");
  const candidates = new Map<string, Finding>();
  for (const rule of asking) {
    // A rule's findings stand worst first, so the worst of all are among the first of each.
    for (const finding of rule.findings.slice(0, eventLimits.findings))
      candidates.set(identity(finding), finding);
  }
  const scanned = image.scannedAt === undefined ? Number.NaN : momentMs(image.scannedAt);
  return sparse({
    reference: oneLine(image.reference, 512),
    paths: image.paths.slice(0, eventLimits.paths).map((path) => oneLine(path, 200)),
    digest: image.digest,
    platform: image.platform === undefined ? undefined : oneLine(image.platform, 60),
    platforms: (scan?.platforms ?? []).slice(0, eventLimits.platforms).map((platform) =>
      sparse({
        platform: platform.platform === undefined ? undefined : oneLine(platform.platform, 60),
        digest: platform.digest,
        state: platform.report.state,
      }),
    ),
    state: image.state,
    stateReason: image.stateReason === undefined ? undefined : oneLine(image.stateReason, 300),
    source: oneLine(image.source, 100),
    trust: image.trust.kind,
    signedBy: image.trust.kind === "signed" ? oneLine(image.trust.identity, 300) : undefined,
    scannedAt: image.scannedAt === undefined ? undefined : oneLine(image.scannedAt, 40),
    scanAgeSeconds: Number.isNaN(scanned) ? undefined : Math.floor((at - scanned) / 1000),
    outcome: image.outcome,
    findingCount: image.findingCount,
    decidingCount: countDistinct(asking.map(({ findings }) => findings)),
    deciding: [...candidates.values()]
      .sort((a, b) => compareSeverity(a.severity, b.severity))
      .slice(0, eventLimits.findings)
      .map(findingOf),
    rules: asking.slice(0, eventLimits.rules).map((rule) => ({
      rule: rule.rule,
      outcome: rule.outcome,
      code: codeOf(image, rule),
      because: because(image, rule),
      couldNotTell: rule.couldNotTell.length,
    })),
  });
}

/** How many findings several lists have together, each of which has none twice. */
function countDistinct(lists: readonly (readonly Finding[])[]): number {
  const several = [...new Set(lists)].filter(({ length }) => length > 0);
  return several.length > 1 ? new Set(several.flat()).size : (several[0]?.length ?? 0);
}

/** Tells findings apart as a reader would: one id in two packages is two. */
function identity({ id, package: about }: Finding): string {
  return about === undefined
    ? id
    : `${id} ${about.purl ?? about.name} ${about.version ?? ""} ${about.path ?? ""}`;
}

function findingOf(finding: Finding): AdmissionData["images"][number]["deciding"][number] {
  const about = finding.package;
  return sparse({
    id: oneLine(finding.id, 80),
    severity: finding.severity,
    package: about === undefined ? undefined : oneLine(about.name, 150),
    version: about?.version === undefined ? undefined : oneLine(about.version, 80),
    fixedIn: finding.fix?.available === true ? oneLine(finding.fix.version ?? "", 80) : undefined,
    cvss: finding.cvss,
    epss: finding.epss,
    knownExploited: finding.knownExploited,
  });
}

/** An object whose undefined fields count as absent, as they do in its JSON. Deleting them would slow every event down. */
function sparse<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } & T {
  return value as { [K in keyof T]: Exclude<T[K], undefined> } & T;
}
