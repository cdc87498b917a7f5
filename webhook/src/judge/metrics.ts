import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { outcomes, scanStates, type EventInput } from "@gatehouse/policy";
import type { ScanMetrics } from "@gatehouse/scans";
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
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const decisions = new Counter({
    name: "gatehouse_decisions_total",
    help: "Objects judged, by what happened and what mode deny would have done",
    labelNames: ["action", "in_deny_mode"] as const,
    registers,
  });
  const rules = new Counter({
    name: "gatehouse_rule_outcomes_total",
    help: "Images for which a rule asked for audit or deny",
    labelNames: ["rule", "outcome"] as const,
    registers,
  });
  const scans = new Counter({
    name: "gatehouse_image_scans_total",
    help: "Images judged, by the state of their scan",
    labelNames: ["state"] as const,
    registers,
  });
  const codes = new Counter({
    name: "gatehouse_messages_total",
    help: "Objects that could not be judged, by message code",
    labelNames: ["code"] as const,
    registers,
  });
  const emergencies = new Counter({
    name: "gatehouse_emergency_uses_total",
    help: "Uses of break-glass exemptions",
    labelNames: ["exemption"] as const,
    registers,
  });
  // Where the labels are known beforehand, series begin at 0: a rate over one that appears with its first count misses it.
  for (const action of outcomes)
    for (const in_deny_mode of outcomes) decisions.inc({ action, in_deny_mode }, 0);
  for (const state of scanStates) scans.inc({ state }, 0);
  const seenEmergencies = new Set<string>();
  const answers = new Counter({
    name: "gatehouse_http_answers_total",
    help: "Answers to the API server, by HTTP status",
    labelNames: ["route", "status"] as const,
    registers,
  });
  const seconds = new Histogram({
    name: "gatehouse_answer_seconds",
    help: "From the request's head to the answer",
    labelNames: ["route"] as const,
    buckets,
    registers,
  });
  new Gauge({
    name: "gatehouse_info",
    help: "The policy and mode in force",
    labelNames: ["policy_hash", "mode", "version"] as const,
    registers,
  }).set({ policy_hash: info.policyHash, mode: info.mode, version: info.version }, 1);

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

  const eventsDropped = new Counter({
    name: "gatehouse_events_dropped_total",
    help: "Events that were dropped because their sink was too slow or failed",
    labelNames: ["sink"] as const,
    registers,
  });
  for (const sink of ["output", "observer", "reviews"]) eventsDropped.inc({ sink }, 0);

  return {
    registry,
    judged: countRuling,
    answered(route, status, took) {
      answers.inc({ route, status: String(status) });
      seconds.observe({ route }, took);
    },
    inFlight: new Gauge({ name: "gatehouse_in_flight", help: "Requests being judged", registers }),
    late: new Counter({
      name: "gatehouse_deadline_missed_total",
      help: "Look-ups that did not answer before the API server's deadline",
      registers,
    }),
    failures: new Counter({
      name: "gatehouse_failures_total",
      help: "Requests that failed for an error inside the gate",
      registers,
    }),
    eventsDropped,
    eventsSent: new Counter({
      name: "gatehouse_events_total",
      help: "Events written or sent",
      labelNames: ["sink"] as const,
      registers,
    }),
    certificateExpiry: new Gauge({
      name: "gatehouse_certificate_expiry_timestamp_seconds",
      help: "When a certificate ends",
      labelNames: ["certificate"] as const,
      registers,
    }),
    emergencyExemptions: new Gauge({
      name: "gatehouse_emergency_exemptions",
      help: "Break-glass exemptions in force",
      registers,
    }),
    emergencyProblems: new Gauge({
      name: "gatehouse_emergency_problems",
      help: "Break-glass entries that are ignored because something is wrong with them",
      registers,
    }),
    scans: scanMetrics(registers),
    kubeCalls: new Counter({
      name: "gatehouse_kubernetes_calls_total",
      help: "Questions to the API server, by outcome",
      labelNames: ["outcome"] as const,
      registers,
    }),
  };
}
