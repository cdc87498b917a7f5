/**
 * What the gate says about each admission it judged: a CloudEvents 1.0 event in its JSON form
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
 */
import * as z from "zod/mini";
import type { ImageDecision, Ruling } from "./decision.ts";
import type { Finding } from "./finding.ts";
import type { Cluster, Subject, Workload } from "./subject.ts";
import type { ImageScan, Scans } from "./scan.ts";
import { scanStates } from "./scan.ts";
import { modes, outcomes } from "./model.ts";
import { severities, compareSeverity } from "./severity.ts";
import { because, codeOf, leadingCode, type Refusal } from "./messages.ts";
import { oneLine } from "./safe-text.ts";
import type { MessageCode } from "./message-codes.ts";

/** Most of each that one event carries; the counts beside them are of all. */
export const eventLimits = {
  images: 50,
  paths: 10,
  platforms: 20,
  findings: 20,
  rules: 20,
  groups: 20,
  exemptions: 20,
  problems: 10,
} as const;

/** `type` of the gate's admission events. */
export const admissionEventType = "io.gatehouse.admission.v1";

const text = z.string();
const count = z.int().check(z.nonnegative());
const optional = z.optional(text);

const findingSchema = z.strictObject({
  id: text,
  severity: z.enum(severities),
  package: optional,
  version: optional,
  /** Version that fixes it; empty when a fix exists whose version is not known. */
  fixedIn: optional,
  cvss: z.optional(z.number()),
  epss: z.optional(z.number()),
  knownExploited: z.optional(z.boolean()),
});

const imageSchema = z.strictObject({
  reference: text,
  paths: z.array(text),
  digest: optional,
  /** The platform that decided. */
  platform: optional,
  /** Every platform that was looked at, with the state of its scan. */
  platforms: z.array(z.strictObject({ platform: optional, digest: optional, state: z.enum(scanStates) })),
  state: z.enum(scanStates),
  stateReason: optional,
  source: text,
  trust: z.enum(["source", "signed", "unsigned"]),
  signedBy: optional,
  scannedAt: optional,
  /** Whole seconds between the end of the scan and the decision. */
  scanAgeSeconds: z.optional(z.int()),
  outcome: z.enum(outcomes),
  /** How many findings the image has. */
  findingCount: count,
  /** How many of them decided, and the worst of those. */
  decidingCount: count,
  deciding: z.array(findingSchema),
  /** Rules that ask for audit or deny. */
  rules: z.array(
    z.strictObject({
      rule: text,
      outcome: z.enum(outcomes),
      code: text,
      because: text,
      couldNotTell: count,
    }),
  ),
});

/** `data` of an admission event. */
export const admissionDataSchema = z.strictObject({
  cluster: z.strictObject({ name: text, cloud: optional, account: optional, region: optional }),
  request: z.strictObject({
    uid: text,
    operation: text,
    subresource: optional,
    user: text,
    groups: z.array(text),
    groupCount: count,
  }),
  object: z.strictObject({ apiVersion: optional, kind: text, namespace: text, name: text, uid: optional }),
  owner: z.union([
    z.strictObject({ resolved: z.literal(true), kind: text, name: text, uid: optional }),
    z.strictObject({ resolved: z.literal(false), reason: text }),
  ]),
  /** A static Pod's mirror: audited, never denied. */
  mirror: z.optional(z.literal(true)),
  mode: z.enum(modes),
  /** What happened. */
  action: z.enum(outcomes),
  /** What mode deny would have done. */
  inDenyMode: z.enum(outcomes),
  /** Leads to the documentation's entry. */
  code: optional,
  /** SHA-256 of the canonical policy. */
  policyHash: text,
  imageCount: count,
  images: z.array(imageSchema),
  /** Exemptions that were used. */
  exemptions: z.array(
    z.strictObject({
      exemption: text,
      daysLeft: z.optional(z.int()),
      emergency: z.optional(z.literal(true)),
    }),
  ),
  /** Why it could not be judged, when it could not. */
  problems: z.optional(z.array(text)),
  durationMs: z.number(),
  /** The same for the same top owner, digests, verdict and policy. */
  key: text,
  /** How often this judge has said `key` so far, this time included. */
  count,
});
export type AdmissionData = z.infer<typeof admissionDataSchema>;

/** An admission event, as it stands on standard output and goes to the observer. */
export const admissionEventSchema = z.strictObject({
  specversion: z.literal("1.0"),
  type: z.literal(admissionEventType),
  /** URI reference: `/clusters/NAME/judges/INSTANCE`. */
  source: text,
  id: text,
  time: text,
  /** `namespace/Kind/name`. */
  subject: text,
  datacontenttype: z.literal("application/json"),
  data: admissionDataSchema,
});
export type AdmissionEvent = z.infer<typeof admissionEventSchema>;

/** Who asked for what, as the event tells it. */
export interface EventRequest {
  uid: string;
  operation: string;
  subresource?: string | undefined;
  user: string;
  groups: readonly string[];
  apiVersion?: string | undefined;
}

/** What an event is made from. A refused object has no decision. */
export interface EventInput {
  /** Name of the judge that speaks, unique in its cluster. */
  instance: string;
  cluster: Cluster;
  request: EventRequest;
  subject: Pick<Subject, "namespace" | "object" | "pod">;
  /** All that was judged, where it could be read. */
  judged?: Subject;
  workload: Workload;
  mirror?: boolean;
  verdict:
    | { ruling: Ruling; scans: Scans }
    | { refusal: Refusal; mode: Ruling["mode"]; action: Ruling["action"] };
  policyHash: string;
  /** Milliseconds since 1970 of the decision. */
  at: number;
  durationMs: number;
}

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
  const deciding = new Set<Finding>();
  const candidates = new Map<string, Finding>();
  for (const rule of asking) {
    // A rule's findings stand worst first, so the worst of all are among the first of each.
    for (const finding of rule.findings) deciding.add(finding);
    for (const finding of rule.findings.slice(0, eventLimits.findings))
      candidates.set(identity(finding), finding);
  }
  const scanned = image.scannedAt === undefined ? Number.NaN : Date.parse(image.scannedAt);
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
    decidingCount: deciding.size,
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
