import { collectDefaultMetrics, Registry, type Counter, type Gauge } from "prom-client";
import { outcomes, scanStates, type EventInput } from "@gatehouse/policy";
import type { ScanMetrics } from "@gatehouse/scans";
import { declareIn } from "./declare-metrics.ts";
import { scanMetrics } from "./scan-metrics.ts";

/** Seconds; the API server waits 10 by default. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Break-glass exemptions that have a series of their own; more are counted together. */
const namedEmergencies = 50;

/** What `/metrics` shows. No label's values are chosen by a requester: they come from the policy or from fixed sets. */
export interface JudgeMetrics {
  registry: Registry;
  /** Counts one judged admission, dry runs left out. */
  judged(event: EventInput): void;
  /** Counts one HTTP answer and how long it took, in seconds. */
  answered(route: "validate" | "pin", status: number, seconds: number): void;
  inFlight: Gauge;
  /** Look-ups that did not answer before the deadline. */
  late: Counter;
  /** Verdicts that failed inside the gate. */
  failures: Counter;
  /** Events that were not written or not sent, by where to. */
  eventsDropped: Counter<"sink">;
  eventsSent: Counter<"sink">;
  /** Time at which certificates end, in seconds since 1970. */
  certificateExpiry: Gauge<"certificate">;
  emergencyExemptions: Gauge;
  emergencyProblems: Gauge;
  /** Calls to the API server by outcome. */
  kubeCalls: Counter<"outcome">;
  /** What the look-ups tell of caches, sources and registries. */
  scans: ScanMetrics;
}

/** Metrics in a registry of their own. */
export function createMetrics(info: { policyHash: string; mode: string; version: string }): JudgeMetrics {
  const registry = new Registry();
  const declare = declareIn(registry);
  const { counter, gauge, histogram } = declare;
  collectDefaultMetrics({ register: registry });

  const decisions = counter(
    "gatehouse_decisions_total",
    "Objects judged, by what happened and what mode deny would have done",
    "action",
    "in_deny_mode",
  );
  const rules = counter(
    "gatehouse_rule_outcomes_total",
    "Images for which a rule asked for audit or deny",
    "rule",
    "outcome",
  );
  const scans = counter("gatehouse_image_scans_total", "Images judged, by the state of their scan", "state");
  const codes = counter(
    "gatehouse_messages_total",
    "Objects that could not be judged, by message code",
    "code",
  );
  const emergencies = counter(
    "gatehouse_emergency_uses_total",
    "Uses of break-glass exemptions",
    "exemption",
  );
  // Where the labels are known beforehand, series begin at 0: a rate over one that appears with its first count misses it.
  for (const action of outcomes)
    for (const in_deny_mode of outcomes) decisions.inc({ action, in_deny_mode }, 0);
  for (const state of scanStates) scans.inc({ state }, 0);
  const seenEmergencies = new Set<string>();
  const answers = counter(
    "gatehouse_http_answers_total",
    "Answers to the API server, by HTTP status",
    "route",
    "status",
  );
  const seconds = histogram(
    "gatehouse_answer_seconds",
    "From the request's head to the answer",
    buckets,
    "route",
  );
  gauge("gatehouse_info", "The policy and mode in force", "policy_hash", "mode", "version").set(
    { policy_hash: info.policyHash, mode: info.mode, version: info.version },
    1,
  );

  function countRuling(event: EventInput): void {
    const { verdict } = event;
    if ("refusal" in verdict) {
      decisions.inc({ action: verdict.action, in_deny_mode: "deny" });
      codes.inc({ code: verdict.refusal.code });
      return;
    }
    const { ruling } = verdict;
    decisions.inc({ action: ruling.action, in_deny_mode: ruling.inDenyMode });
    for (const image of ruling.images) {
      scans.inc({ state: image.state });
      if (image.outcome === "allow") continue;
      for (const { rule, outcome } of image.rules) if (outcome !== "allow") rules.inc({ rule, outcome });
    }
    for (const { exemption, status } of ruling.exemptions) {
      if (status !== "used" || !exemption.startsWith("emergency/")) continue;
      if (seenEmergencies.size < namedEmergencies) seenEmergencies.add(exemption);
      emergencies.inc({ exemption: seenEmergencies.has(exemption) ? exemption : "other" });
    }
  }

  const eventsDropped = counter(
    "gatehouse_events_dropped_total",
    "Events that were dropped because their sink was too slow or failed",
    "sink",
  );
  for (const sink of ["output", "observer", "reviews"]) eventsDropped.inc({ sink }, 0);

  return {
    registry,
    judged: countRuling,
    answered(route, status, took) {
      answers.inc({ route, status: String(status) });
      seconds.observe({ route }, took);
    },
    inFlight: gauge("gatehouse_in_flight", "Requests being judged"),
    late: counter(
      "gatehouse_deadline_missed_total",
      "Look-ups that did not answer before the API server's deadline",
    ),
    failures: counter("gatehouse_failures_total", "Requests that failed for an error inside the gate"),
    eventsDropped,
    eventsSent: counter("gatehouse_events_total", "Events written or sent", "sink"),
    certificateExpiry: gauge(
      "gatehouse_certificate_expiry_timestamp_seconds",
      "When a certificate ends",
      "certificate",
    ),
    emergencyExemptions: gauge("gatehouse_emergency_exemptions", "Break-glass exemptions in force"),
    emergencyProblems: gauge(
      "gatehouse_emergency_problems",
      "Break-glass entries that are ignored because something is wrong with them",
    ),
    scans: scanMetrics(declare),
    kubeCalls: counter(
      "gatehouse_kubernetes_calls_total",
      "Questions to the API server, by outcome",
      "outcome",
    ),
  };
}
