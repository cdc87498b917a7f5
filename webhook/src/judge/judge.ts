/** The judge itself: from an admission request to an answer and the event about it. No HTTP, no files, no clock of its own. */
import {
  applyMode,
  bindPolicy,
  parseImageReference,
  platformsOf,
  refusalMessage,
  refusalWarning,
  type BoundPolicy,
  type Cluster,
  type EventInput,
  type GateConfig,
  type ImageScan,
  type Platform,
  type Policy,
  type Refusal,
  type Ruling,
  type Subject,
} from "@gatehouse/policy";
import { andThen, type Awaitable, type LookUp } from "@gatehouse/scans";
import type { AdmissionAnswer, AdmissionRequest } from "./admission-review.ts";
import { answerOf } from "./answer.ts";
import type { Deadline } from "./deadline.ts";
import type { Directory } from "./directory.ts";
import { gather, type Gathered } from "./look-ups.ts";
import { pinPatch } from "./pin.ts";
import { askedOf, askedSubject, isMirror, madeByController, type AskedImages } from "./subject.ts";
import { surroundings } from "./surroundings.ts";

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

/** Judges at once where all that it takes is held. */
export interface Judge {
  /** Fails only for a bug; see `failed`. */
  validate(request: AdmissionRequest, deadline: Deadline): Awaitable<Judged | Unanswerable>;
  /**
   * Pins a new Pod, and what is put into a running one, to what references name now. It denies only what cannot be
   * pinned now, could be found a moment later, and is denied by the rules as it stands: else `validate`, which comes
   * next, might find it and admit a tag that can still be moved.
   */
  pin(request: AdmissionRequest, deadline: Deadline): Awaitable<Judged | Unanswerable>;
  /** The answer when `validate` failed. */
  failed(request: AdmissionRequest, startedAt: number): Judged;
}

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

  /** The policy bound to what was asked, and the scans that its rules may ask about. */
  function gathered(
    request: AdmissionRequest,
    policy: Policy,
    subject: Subject,
    deadline: Deadline,
  ): Awaitable<Gathered & { bound: BoundPolicy }> {
    const bound = bindPolicy(policy, subject);
    const references = bound.referencesToScan();
    if (references.length === 0) return { scans: new Map(), late: 0, bound };
    const platforms = platformsOf(request.object, options.platforms());
    return andThen(gather(references, lookUp, platforms, deadline), ({ scans, late }) => ({
      scans,
      late,
      bound,
    }));
  }

  function subjectFor(
    request: AdmissionRequest,
    asked: AskedImages,
    policy: Policy,
    deadline: Deadline,
  ): Awaitable<Subject> {
    const running = config.running
      ?.filter((entry) => entry.namespace === request.namespace)
      .map(({ repository, digests }) => ({ repository, digests }));
    return andThen(surroundings(request, asked, { policy, directory, deadline }), (known) =>
      askedSubject(request, asked, {
        cluster: config.cluster,
        ...(running === undefined ? {} : { running }),
        ...known,
      }),
    );
  }

  /** The answer and the event of a ruling. */
  function ruled(
    request: AdmissionRequest,
    by: { policy: Policy; subject: Subject; startedAt: number; mirror?: boolean },
    { scans, late }: Gathered,
    ruling: Ruling,
  ): Judged {
    const { policy, subject, startedAt, mirror } = by;
    const event = eventOf(
      request,
      { startedAt, decidedAt: now() },
      {
        subject,
        judged: subject,
        workload: subject.workload,
        verdict: { ruling, scans },
        ...(mirror === undefined ? {} : { mirror }),
      },
    );
    return { answer: answerOf(ruling, subject, policy, config.policyHash), ...event, late };
  }

  return {
    validate(request, deadline) {
      const startedAt = now();
      const asked = askedOf(request);
      if (asked.judge === "nothing") return nothingToJudge;
      if (asked.judge === "refuse") {
        // In mode audit a denial is no answer, and "allowed" would be a lie about an object that nobody can read.
        if (asked.refusal.code === "GH1022" && mode === "audit") return { problems: asked.refusal.problems };
        return refused(request, asked.refusal, startedAt);
      }
      const policy = options.policy();
      return andThen(subjectFor(request, asked, policy, deadline), (subject) => {
        if (madeByController(request, subject.workload)) return nothingToJudge;
        return andThen(gathered(request, policy, subject, deadline), ({ bound, ...found }) => {
          const mirror = isMirror(request, asked.metadata);
          const decision = bound.decide(found.scans, now());
          const ruling = mirror ? auditedOnly(applyMode(decision, "audit"), mode) : applyMode(decision, mode);
          return ruled(request, { policy, subject, startedAt, mirror }, found, ruling);
        });
      });
    },

    pin(request, deadline) {
      if (!config.pin || mode !== "deny" || request.kind !== "Pod") return nothingToJudge;
      const asked = askedOf(request);
      if (asked.judge === "nothing") return nothingToJudge;
      const startedAt = now();
      if (asked.judge === "refuse") return refused(request, asked.refusal, startedAt);
      if (isMirror(request, asked.metadata)) return nothingToJudge;
      const policy = options.policy();
      return andThen(subjectFor(request, asked, policy, deadline), (subject) =>
        andThen(gathered(request, policy, subject, deadline), ({ bound, ...found }): Judged => {
          const { scans, late } = found;
          const unpinned = asked.images.filter(({ reference }) =>
            mayBePinnedLater(reference, scans.get(reference)),
          );
          if (unpinned.length > 0) {
            const ruling = applyMode(bound.decide(scans, now()), mode);
            const isUnpinned = (image: string) => unpinned.some(({ reference }) => reference === image);
            if (ruling.images.some(({ reference, outcome }) => outcome === "deny" && isUnpinned(reference)))
              return ruled(request, { policy, subject, startedAt }, found, ruling);
          }
          return { answer: { allowed: true, patch: pinPatch(asked.images, scans) }, late };
        }),
      );
    },

    failed: (request, startedAt) =>
      refused(
        request,
        { code: "GH1031", problems: ["the gate's log has the error under the request's id"] },
        startedAt,
      ),
  };
}

const nothingToJudge: Judged = { answer: { allowed: true }, late: 0 };

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
