/**
 * What the gate says about each admission it judged: a CloudEvents 1.0 event in its JSON form
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
 */
import * as z from "zod/mini";
import type { Ruling } from "./decision.ts";
import type { Cluster, Subject, Workload } from "./subject.ts";
import type { Scans } from "./scan.ts";
import { scanStates } from "./scan.ts";
import { modes, outcomes } from "./model.ts";
import { severities } from "./severity.ts";
import type { Refusal } from "./messages.ts";

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
/** What an admission's event says. */
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
/** The event about one admission: a CloudEvent. */
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
  /** Whether it is a static Pod's mirror, which is audited and never denied. */
  mirror?: boolean;
  verdict:
    | { ruling: Ruling; scans: Scans }
    | { refusal: Refusal; mode: Ruling["mode"]; action: Ruling["action"] };
  policyHash: string;
  /** Milliseconds since 1970 of the decision. */
  at: number;
  /** How long the verdict took; 0 for a verdict of the background. */
  durationMs: number;
}
