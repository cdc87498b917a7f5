/**
 * A snapshot: what a cluster's gate has judged and what it knows, to be judged again elsewhere. One JSON value a line:
 * a head, then workloads, reviews and scans, then an end whose counts prove that nothing is missing. Every line is
 * built from the fields that `decide` needs and no others, so environments, arguments, annotations, users and the like
 * cannot be in it.
 */
import * as z from "zod/mini";
import { runningSchema } from "./gate-config.ts";
import { modes, outcomes } from "./model.ts";
import { scanStates } from "./scan.ts";
import { severities } from "./severity.ts";

/** The only version there is. */
export const snapshotVersion = 1;

const text = z.string();
const optional = z.exactOptional(text);
const count = z.int().check(z.nonnegative());
const labels = z.record(text, text);

const findingSchema = z.strictObject({
  id: text,
  aliases: z.exactOptional(z.array(text)),
  severity: z.enum(severities),
  package: z.exactOptional(
    z.strictObject({ name: text, version: optional, type: optional, purl: optional, path: optional }),
  ),
  fix: z.exactOptional(
    z.union([
      z.strictObject({ available: z.literal(true), version: optional, since: optional }),
      z.strictObject({ available: z.literal(false) }),
    ]),
  ),
  cvss: z.exactOptional(z.number()),
  epss: z.exactOptional(z.number()),
  knownExploited: z.exactOptional(z.boolean()),
  publishedAt: optional,
  firstSeenAt: optional,
});

const reportSchema = z.strictObject({
  state: z.enum(scanStates),
  reason: optional,
  source: text,
  trust: z.union([
    z.strictObject({ kind: z.literal("source") }),
    z.strictObject({ kind: z.literal("signed"), identity: text }),
    z.strictObject({ kind: z.literal("unsigned") }),
  ]),
  scannedAt: optional,
  findings: z.array(findingSchema),
});

const platformScanSchema = z.strictObject({
  platform: optional,
  digest: optional,
  createdAt: optional,
  report: reportSchema,
});

const imageScanSchema = z.strictObject({
  digest: optional,
  platforms: z.array(platformScanSchema).check(z.minLength(1)),
});

const subjectSchema = z.strictObject({
  cluster: z.strictObject({
    name: text,
    cloud: optional,
    account: optional,
    region: optional,
    labels: z.exactOptional(labels),
  }),
  namespace: z.strictObject({ name: text, labels: z.exactOptional(labels) }),
  object: z.strictObject({ kind: text, name: text, labels }),
  pod: text,
  workload: z.union([
    z.strictObject({ resolved: z.literal(true), kind: text, name: text }),
    z.strictObject({ resolved: z.literal(false), reason: text }),
  ]),
  images: z.array(
    z.strictObject({
      path: text,
      reference: text,
      name: text,
      kind: z.enum(["container", "initContainer", "ephemeralContainer", "imageVolume"]),
    }),
  ),
});

/** One image of a review: what it named, and the reports by which it was judged, without their findings. */
const reviewedImageSchema = z.strictObject({
  reference: text,
  digest: optional,
  /** The tag beside the reference's digest was seen to name it. */
  tagConfirmed: z.optional(z.literal(true)),
  outcome: z.enum(outcomes),
  /** Rules that asked for audit or deny. */
  rules: z.array(text),
  platforms: z.array(
    z.strictObject({
      platform: optional,
      digest: optional,
      createdAt: optional,
      report: z.strictObject({
        ...reportSchema.shape,
        findings: z.array(findingSchema).check(z.maxLength(0)),
      }),
      /** How many findings the report had. */
      findingCount: count,
    }),
  ),
});

/** What was judged at admission, as the judge told it. */
export const reviewSchema = z.strictObject({
  id: text,
  at: text,
  /** `namespace/Kind/name` of the top owner; of the object itself where that is not known. */
  owner: text,
  subject: subjectSchema,
  policyHash: text,
  mode: z.enum(modes),
  /** A static Pod's mirror: audited, never denied. */
  mirror: z.exactOptional(z.literal(true)),
  action: z.enum(outcomes),
  /** What mode deny would have done. */
  inDenyMode: z.enum(outcomes),
  images: z.array(reviewedImageSchema),
});
/** What was judged at one admission. */
export type Review = z.infer<typeof reviewSchema>;
/** One image of a review. */
export type ReviewedImage = z.infer<typeof reviewedImageSchema>;

const headSchema = z.strictObject({
  line: z.literal("gatehouse-snapshot"),
  version: z.literal(snapshotVersion),
  takenAt: text,
  cluster: text,
  /** What was in force. The policy is checked by its own parser. */
  mode: z.enum(modes),
  policy: z.unknown(),
  policyHash: text,
  running: runningSchema,
  /** Keys of the labels that were kept; of others nothing is known. */
  labels: z.array(text),
});

const workloadSchema = z.strictObject({
  line: z.literal("workload"),
  owner: text,
  /** The object itself, then what its controller makes of it. */
  written: z.array(subjectSchema).check(z.minLength(1)),
  running: z.array(subjectSchema),
  /** Of the cluster; empty: all that an image has. */
  platforms: z.array(text),
});

const reviewLineSchema = z.strictObject({ line: z.literal("review"), review: reviewSchema });

/** What is known of one reference, as it was looked up for these platforms. */
const scanSchema = z.strictObject({
  line: z.literal("scan"),
  reference: text,
  platforms: z.array(text),
  scan: imageScanSchema,
});

const endSchema = z.strictObject({
  line: z.literal("end"),
  workloads: count,
  reviews: count,
  scans: count,
});

/** Any line of a snapshot. */
export const snapshotLineSchema = z.discriminatedUnion("line", [
  headSchema,
  workloadSchema,
  reviewLineSchema,
  scanSchema,
  endSchema,
]);
/** Any line of a snapshot. */
export type SnapshotLine = z.infer<typeof snapshotLineSchema>;
/** The first line: what was in force, and when. */
export type SnapshotHead = z.infer<typeof headSchema>;
/** A workload as the inventory has it. */
export type SnapshotWorkload = z.infer<typeof workloadSchema>;
/** What was known of one image for these platforms. */
export type SnapshotScan = z.infer<typeof scanSchema>;
