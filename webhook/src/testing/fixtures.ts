/** What the judge's tests are built from: reviews as the API server sends them, a policy, scans in memory, a whole app. */
import {
  definePolicy,
  deny,
  exempt,
  findings,
  policyHash,
  states,
  unscanned,
  type Finding,
  type ImageScan,
  type Mode,
  type Policy,
} from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import type { Hono } from "hono";
import { createAdmission, type Admission } from "../judge/admission.ts";
import { judgeApp } from "../judge/app.ts";
import { createDirectory, type Metadata } from "../judge/directory.ts";
import { createEventPipeline, type EventPipeline } from "../judge/events.ts";
import { createJudge, type JudgeOptions } from "../judge/judge.ts";
import type { Log } from "../judge/log.ts";
import { createMetrics, type JudgeMetrics } from "../judge/metrics.ts";
import { createSecretCheck } from "../judge/secrets.ts";

/** Every test's moment. */
export const now = Date.parse("2026-11-22T12:00:00Z");
/** The last part of the webhook's path, by which a judge knows the API server. */
export const secret = "a-secret-of-enough-characters";
/** The digest of images that name no other. */
export const digest = `sha256:${"a".repeat(64)}`;

/** The scan of an image with these findings. */
export function scanned(found: readonly Finding[], of = digest): ImageScan {
  return {
    digest: of,
    platforms: [
      {
        platform: "linux/amd64",
        digest: of,
        report: {
          state: "complete",
          source: "memory",
          trust: { kind: "source" },
          scannedAt: "2026-11-22T11:00:00Z",
          findings: found,
        },
      },
    ],
  };
}

/** A finding that the policy below denies, and that has a fix. */
export const critical: Finding = {
  id: "CVE-2026-0001",
  severity: "critical",
  package: { name: "openssl", version: "3.0.1", type: "deb" },
  fix: { available: true, version: "3.0.7" },
};

/** `registry.example/IMAGE` by its name: clean, bad, slow and others. */
export const scans: Readonly<Record<string, ImageScan>> = {
  "registry.example/clean:1": scanned([]),
  "registry.example/bad:1": scanned([critical], `sha256:${"b".repeat(64)}`),
  "registry.example/pending:1": unscanned("pending", "the scan began at 11:59", "memory", digest),
};

/** Answers from {@link scans}; everything else was never scanned. */
export const lookUp: LookUp = (reference) =>
  Promise.resolve(scans[reference] ?? unscanned("absent", "never scanned", "memory"));

/** Criticals are denied, unscanned images too, except in `sandbox`; `billing` has an exemption. */
export const policy: Policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals do not ship",
      except: { namespace: ["sandbox"] },
      when: findings({ minSeverity: "critical" }),
      onScan: { ...states.audit, absent: "deny", unsupported: "deny", unavailable: "deny" },
    }),
  },
  defaultRule: false,
  exemptions: {
    "openssl-in-billing": exempt({
      rules: ["no-criticals"],
      cves: ["CVE-2026-0001"],
      where: { namespace: "billing" },
      reason: "not reachable",
      owner: "team-billing",
      until: "2026-12-01",
    }),
  },
  exemptionHelp: "Ask in #security",
});

/** A container of this image. */
export const container = (image: string, name = "main") => ({ name, image });

/** A Pod as the API server sends it. */
export function pod(
  images: readonly string[],
  change: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "shop", uid: "pod-1", labels: { app: "web" } },
    spec: { containers: images.map((image, index) => container(image, `c${index}`)) },
    ...change,
  };
}

/** A Deployment, or another kind with a template. */
export function workload(
  images: readonly string[],
  kind = "Deployment",
  metadata: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    apiVersion: kind === "Job" ? "batch/v1" : "apps/v1",
    kind,
    metadata: { name: "web", namespace: "shop", uid: "workload-1", ...metadata },
    spec: { template: { spec: { containers: images.map((image, index) => container(image, `c${index}`)) } } },
  };
}

let reviews = 0;

/** A review of an object. Each has a uid of its own. */
export function review(object: unknown, change: Record<string, unknown> = {}): Record<string, unknown> {
  const {
    apiVersion = "v1",
    kind = "Pod",
    metadata,
  } = (object ?? {}) as {
    apiVersion?: string;
    kind?: string;
    metadata?: { name?: string; namespace?: string };
  };
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: `review-${++reviews}`,
      kind: { group, version, kind },
      resource: { group, version, resource: `${kind.toLowerCase()}s` },
      name: metadata?.name ?? "",
      namespace: metadata?.namespace ?? "shop",
      operation: "CREATE",
      userInfo: { username: "alice", groups: ["devs", "system:authenticated"] },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
      ...change,
    },
  };
}

/** Metadata of the cluster's objects by `Kind/name`. */
export type Objects = Readonly<Record<string, Metadata>>;

/** An app and what it told. */
export interface TestApp {
  app: Hono;
  /** What the app answers calls by. */
  admission: Admission;
  metrics: JudgeMetrics;
  /** Events so far; those still queued are built first. */
  events: () => Record<string, unknown>[];
  /** What the observer is told of each, to be judged again. */
  reviews: () => unknown[];
  logs: string[];
  /** What was read of the cluster: `Kind/namespace/name`. */
  read: string[];
  post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Response>;
  /** The response of a review that must be answered with 200. */
  validate: (body: unknown, query?: string) => Promise<Record<string, unknown>>;
  pin: (body: unknown) => Promise<Record<string, unknown>>;
}

/** A judge over the fixtures. */
export function testApp(
  change: Partial<JudgeOptions> & { mode?: Mode; objects?: Objects; push?: EventPipeline["push"] } = {},
): TestApp {
  const hash = policyHash(policy);
  const metrics = createMetrics({ policyHash: hash, mode: change.mode ?? "deny", version: "test" });
  const lines: string[] = [];
  const logs: string[] = [];
  const read: string[] = [];
  const reviewed: string[] = [];
  const pipeline = createEventPipeline({
    sinks: [(event) => void lines.push(event)],
    settled: () => Promise.resolve(),
    reviews: (review) => void reviewed.push(review),
    dropped: () => {},
  });
  const log: Log = (level, message, fields) => {
    const error = fields?.["error"];
    logs.push(`${level} ${message} ${error instanceof Error ? String(error) : ""}`);
  };
  const admission = createAdmission({
    judge: createJudge({
      config: { cluster: { name: "test" }, mode: change.mode ?? "deny", pin: true, policyHash: hash },
      platforms: () => ["linux/amd64"],
      policy: () => policy,
      lookUp,
      directory: createDirectory((resource, ref) => {
        read.push([resource.kind, ref.namespace ?? "", ref.name].join("/"));
        return Promise.resolve(change.objects?.[`${resource.kind}/${ref.name}`]);
      }),
      instance: "judge-0",
      now: () => now,
      ...change,
    }),
    events: change.push === undefined ? pipeline : { push: change.push },
    metrics,
    log,
    clock: () => performance.now(),
    now: () => now,
  });
  const app = judgeApp({
    admission,
    secret: createSecretCheck([secret]),
    metrics,
    log,
    notReady: () => undefined,
  });
  const post: TestApp["post"] = async (path, body, headers = {}) =>
    await app.request(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const answered = async (path: string, body: unknown) => {
    const response = await post(path, body);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${text}`);
    return (JSON.parse(text) as { response: Record<string, unknown> }).response;
  };
  return {
    app,
    admission,
    metrics,
    logs,
    read,
    post,
    reviews() {
      pipeline.flush();
      return reviewed.map((line) => JSON.parse(line) as unknown);
    },
    events() {
      pipeline.flush();
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    validate: (body, query = "") => answered(`/validate/${secret}${query}`, body),
    pin: (body) => answered(`/pin/${secret}`, body),
  };
}
