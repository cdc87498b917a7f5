/** The judge itself: from an admission request to an answer and the event about it. No HTTP, no files, no clock of its own. */
import {
  applyMode,
  decide,
  denialMessage,
  leadingCode,
  oneLine,
  parseImageReference,
  platformsOf,
  referencesToScan,
  refusalMessage,
  refusalWarning,
  warnings,
  type Cluster,
  type EventInput,
  type GateConfig,
  type ImageScan,
  type KnownOfObject,
  type Platform,
  type Policy,
  type Refusal,
  type Ruling,
  type Subject,
} from "@gatehouse/policy";
import type { LookUp } from "@gatehouse/scans";
import type { AdmissionAnswer, AdmissionRequest } from "./admission-review.ts";
import type { Deadline } from "./deadline.ts";
import type { Directory } from "./directory.ts";
import { gather, type Gathered } from "./look-ups.ts";
import { asksNamespaceLabels } from "./needs.ts";
import { pinPatch } from "./pin.ts";
import { askedOf, askedSubject, isMirror, madeByController, type Asked } from "./subject.ts";

/** Everything the judge is given. */
export interface JudgeOptions {
  config: Pick<GateConfig, "mode" | "pin" | "running" | "policyHash"> & { cluster: Cluster };
  /** Platforms that the cluster can schedule; empty while they are not known, which means all. */
  platforms: () => readonly Platform[];
  /** The policy of the moment, with break-glass exemptions in it. The same object while nothing changed. */
  policy: () => Policy;
  lookUp: LookUp;
  directory: Directory;
  /** Unique in the cluster: the Pod's name. */
  instance: string;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** An answer, and what is to be told of it. */
export interface Judged {
  answer: AdmissionAnswer;
  /** Absent for dry runs and where there was nothing to judge. */
  event?: EventInput;
  /** Look-ups that did not answer in time. */
  late: number;
}

/** A review that cannot be answered by an admission response; HTTP says so. */
export interface Unanswerable {
  problems: readonly string[];
}

export interface Judge {
  /** Rejects only for a bug; see `failed`. */
  validate(request: AdmissionRequest, deadline: Deadline): Promise<Judged | Unanswerable>;
  /**
   * Pins Pods to what their references name now. It denies only what cannot be pinned now, could be found a moment
   * later, and is denied by the rules as it stands: else `validate`, which comes next, might find it and admit a tag
   * that can still be moved.
   */
  pin(request: AdmissionRequest, deadline: Deadline): Promise<Judged | Unanswerable>;
  /** The answer when `validate` failed. */
  failed(request: AdmissionRequest, startedAt: number): Judged;
}

/**
 * Longest that the cluster's own API is waited for: milliseconds, and a share of the time for the answer, so that
 * enough is left for the look-ups. What it does not say in that time is unknown.
 */
const directoryMs = 2_000;
const directoryShare = 0.4;

/** Builds a judge. */
export function createJudge(options: JudgeOptions): Judge {
  const { config, lookUp, directory, instance, now } = options;
  const { mode } = config;

  function requestOf(request: AdmissionRequest): EventInput["request"] {
    return {
      uid: request.uid,
      operation: request.operation,
      user: request.user,
      groups: request.groups,
      apiVersion: request.apiVersion,
      ...(request.subresource === "" ? {} : { subresource: request.subresource }),
    };
  }

  function eventOf(
    request: AdmissionRequest,
    at: { startedAt: number; decidedAt: number },
    rest: Pick<EventInput, "subject" | "judged" | "workload" | "verdict" | "mirror">,
  ): { event?: EventInput } {
    if (request.dryRun) return {};
    const event: EventInput = {
      instance,
      cluster: config.cluster,
      request: requestOf(request),
      policyHash: config.policyHash,
      at: at.decidedAt,
      durationMs: at.decidedAt - at.startedAt,
      ...rest,
    };
    return { event };
  }

  /** Refuses in mode deny, warns in mode audit. */
  function refused(request: AdmissionRequest, refusal: Refusal, startedAt: number): Judged {
    const action = mode === "deny" ? "deny" : "audit";
    const name = request.name === "" ? "(unnamed)" : request.name;
    const object = `${request.kind} ${request.namespace === "" ? "" : `${request.namespace}/`}${name}`;
    const auditAnnotations = { decision: action, "in-deny-mode": "deny", code: refusal.code };
    const answer: AdmissionAnswer =
      action === "deny"
        ? { allowed: false, message: refusalMessage(refusal, object, request.uid), auditAnnotations }
        : { allowed: true, warnings: [refusalWarning(refusal)], auditAnnotations };
    const event = eventOf(
      request,
      { startedAt, decidedAt: now() },
      {
        subject: {
          namespace: { name: request.namespace },
          object: { kind: request.kind, name: request.name, labels: {} },
          pod: request.name,
        },
        workload: { resolved: false, reason: "not asked for" },
        verdict: { refusal, mode, action },
      },
    );
    return { answer, ...event, late: 0 };
  }

  /** What the cluster knows; unknown where it does not answer in time. */
  async function surroundings(
    request: AdmissionRequest,
    asked: Extract<Asked, { judge: "images" }>,
    policy: Policy,
    deadline: Deadline,
  ): Promise<Pick<KnownOfObject, "namespaceLabels" | "workload">> {
    const { metadata } = asked;
    const self = { kind: request.kind, name: metadata.name || metadata.generateName };
    const atMost = Math.min(directoryMs, deadline.budget * directoryShare);
    const owned = metadata.ownerReferences.some((reference) => reference.controller === true);
    const [namespaceLabels, workload] = await Promise.all([
      asksNamespaceLabels(policy)
        ? deadline.within(directory.namespaceLabels(request.namespace), atMost)
        : undefined,
      owned
        ? deadline.within(
            directory.topOwner({ ...self, ...metadata, namespace: request.namespace, name: self.name }),
            atMost,
          )
        : ({
            resolved: true,
            ...self,
            ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
          } as const),
    ]);
    return {
      ...(namespaceLabels === undefined ? {} : { namespaceLabels }),
      workload: workload ?? { resolved: false, reason: "the API server did not answer in time" },
    };
  }

  async function scansOf(
    request: AdmissionRequest,
    policy: Policy,
    subject: Subject,
    deadline: Deadline,
  ): Promise<Gathered> {
    const references = referencesToScan(policy, subject);
    if (references.length === 0) return { scans: new Map(), late: 0 };
    return await gather(references, lookUp, platformsOf(request.object, options.platforms()), deadline);
  }

  async function subjectFor(
    request: AdmissionRequest,
    asked: Extract<Asked, { judge: "images" }>,
    policy: Policy,
    deadline: Deadline,
  ): Promise<Subject> {
    const known = await surroundings(request, asked, policy, deadline);
    const running = config.running
      ?.filter((entry) => entry.namespace === request.namespace)
      .map(({ repository, digests }) => ({ repository, digests }));
    return askedSubject(request, asked, {
      cluster: config.cluster,
      ...(running === undefined ? {} : { running }),
      ...known,
    });
  }

  return {
    async validate(request, deadline) {
      const startedAt = now();
      const asked = askedOf(request);
      if (asked.judge === "nothing") return { answer: { allowed: true }, late: 0 };
      if (asked.judge === "refuse") {
        // In mode audit a denial is no answer, and "allowed" would be a lie about an object that nobody can read.
        if (asked.refusal.code === "GH1022" && mode === "audit") return { problems: asked.refusal.problems };
        return refused(request, asked.refusal, startedAt);
      }
      const policy = options.policy();
      const subject = await subjectFor(request, asked, policy, deadline);
      if (madeByController(request, subject.workload)) return { answer: { allowed: true }, late: 0 };
      const { scans, late } = await scansOf(request, policy, subject, deadline);
      const decidedAt = now();
      const mirror = isMirror(request, asked.metadata);
      const decision = decide(policy, subject, scans, decidedAt);
      const ruling = mirror ? auditedOnly(applyMode(decision, "audit"), mode) : applyMode(decision, mode);
      const event = eventOf(
        request,
        { startedAt, decidedAt: now() },
        { subject, judged: subject, workload: subject.workload, verdict: { ruling, scans }, mirror },
      );
      return { answer: answerOf(ruling, subject, policy, config.policyHash), ...event, late };
    },

    async pin(request, deadline) {
      const allowed: Judged = { answer: { allowed: true }, late: 0 };
      if (!config.pin || mode !== "deny" || request.operation !== "CREATE" || request.kind !== "Pod")
        return allowed;
      const asked = askedOf(request);
      if (asked.judge === "nothing") return allowed;
      const startedAt = now();
      if (asked.judge === "refuse") return refused(request, asked.refusal, startedAt);
      if (isMirror(request, asked.metadata)) return allowed;
      const policy = options.policy();
      const subject = await subjectFor(request, asked, policy, deadline);
      const { scans, late } = await scansOf(request, policy, subject, deadline);
      const unpinned = asked.images.filter(({ reference }) =>
        mayBePinnedLater(reference, scans.get(reference)),
      );
      if (unpinned.length > 0) {
        const decidedAt = now();
        const ruling = applyMode(decide(policy, subject, scans, decidedAt), mode);
        const isUnpinned = (image: string) => unpinned.some(({ reference }) => reference === image);
        if (ruling.images.some(({ reference, outcome }) => outcome === "deny" && isUnpinned(reference))) {
          const event = eventOf(
            request,
            { startedAt, decidedAt: now() },
            { subject, judged: subject, workload: subject.workload, verdict: { ruling, scans } },
          );
          return { answer: answerOf(ruling, subject, policy, config.policyHash), ...event, late };
        }
      }
      return { answer: { allowed: true, patch: pinPatch(asked.images, scans) }, late };
    },

    failed: (request, startedAt) =>
      refused(
        request,
        { code: "GH1031", problems: ["the gate's log has the error under the request's id"] },
        startedAt,
      ),
  };
}

/** Whether the look-up of a tag gave no digest to pin to, and might give one when it is made again. */
function mayBePinnedLater(reference: string, scan: ImageScan | undefined): boolean {
  const parsed = parseImageReference(reference);
  return (
    parsed.ok &&
    parsed.reference.digest === undefined &&
    scan !== undefined &&
    scan.digest === undefined &&
    scan.platforms.some(({ report: { state } }) => state === "unavailable" || state === "absent")
  );
}

/** A mirror Pod's ruling: never more than audit, whatever the cluster's mode. */
function auditedOnly(ruling: Ruling, mode: Ruling["mode"]): Ruling {
  return { ...ruling, mode, inDenyMode: ruling.action };
}

function answerOf(ruling: Ruling, subject: Subject, policy: Policy, policyHash: string): AdmissionAnswer {
  const auditAnnotations = annotations(ruling, policyHash);
  return ruling.action === "deny"
    ? { allowed: false, message: denialMessage({ ruling, subject, policy }), auditAnnotations }
    : { allowed: true, warnings: ruling.outcome === "allow" ? [] : warnings(ruling), auditAnnotations };
}

/** For the API server's audit log. Values are bounded; the event has the whole. */
function annotations(ruling: Ruling, policyHash: string): Record<string, string> {
  const base = { decision: ruling.action, policy: policyHash };
  if (ruling.outcome === "allow") return base;
  const asking = new Set<string>();
  for (const image of ruling.images) {
    for (const rule of image.rules) if (rule.outcome !== "allow") asking.add(rule.rule);
  }
  const images = ruling.images.map((image) =>
    image.digest === undefined || image.reference.endsWith(image.digest)
      ? image.reference
      : `${image.reference}@${image.digest}`,
  );
  return {
    ...base,
    "in-deny-mode": ruling.inDenyMode,
    code: leadingCode(ruling) ?? "",
    rules: oneLine([...asking].join(","), 1024),
    images: oneLine(images.join(","), 2048),
  };
}
