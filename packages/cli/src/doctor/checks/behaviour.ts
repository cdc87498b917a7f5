import type { ClusterFacts, Sample } from "../facts.ts";
import { findingsOf, type DoctorFinding } from "../finding.ts";

interface Watched {
  metric: string;
  labels?: Readonly<Record<string, string>>;
  level: "warning" | "problem";
  text: (value: number) => string;
  mend: string;
}

const watched: readonly Watched[] = [
  {
    metric: "gatehouse_failures_total",
    level: "problem",
    text: (value) => `${value} mistakes in the gate's own code`,
    mend: "kubectl logs of the judge, and report what it says",
  },
  {
    metric: "gatehouse_deadline_missed_total",
    level: "warning",
    text: (value) => `${value} look-ups did not answer within an admission's deadline`,
    mend: "raise timeoutSeconds of Gate, or see which registry is slow: gatehouse_source_seconds",
  },
  {
    metric: "gatehouse_events_dropped_total",
    level: "warning",
    text: (value) => `${value} events were dropped`,
    mend: "see whether the observer is ready and whether standard output is read fast enough",
  },
  {
    metric: "gatehouse_emergency_problems",
    level: "warning",
    text: (value) => `${value} entries of gatehouse-emergency cannot be used`,
    mend: "kubectl get configmap gatehouse-emergency -o yaml, each of at most 24 hours, with reason and owner",
  },
  {
    metric: "gatehouse_exploit_feed_state",
    labels: { state: "old" },
    level: "warning",
    text: () => "EPSS or KEV of the exploit feed is too old",
    mend: "gatehouse feed --epss FILE --kev FILE > feed.json, which exploitFeed of Gate reads, then pulumi up",
  },
  {
    metric: "gatehouse_exploit_feed_state",
    labels: { state: "absent" },
    level: "warning",
    text: () => "the exploit feed lacks EPSS or KEV, or cannot be read",
    mend: "gatehouse feed --epss FILE --kev FILE > feed.json, which exploitFeed of Gate reads, then pulumi up",
  },
];

/** What the parts count of themselves since they started. */
export function behaviour({ judgeMetrics, observerMetrics, namespace }: ClusterFacts): DoctorFinding[] {
  const say = findingsOf("metrics");
  const { ok, warning } = say;
  return (
    [
      ["judge", judgeMetrics],
      ["observer", observerMetrics],
    ] as const
  ).flatMap(([part, known]) => {
    if ("why" in known)
      return [
        warning(
          `the ${part} gives no metrics: ${known.why}`,
          `kubectl port-forward -n ${namespace} service/gatehouse${part === "judge" ? "" : "-observer"} 9464, then curl -k https://localhost:9464/metrics: a NetworkPolicy keeps out whom metricsFrom of Gate does not name, the API server too`,
        ),
      ];
    const findings = watched.flatMap(({ metric, labels, level, text, mend }): DoctorFinding[] => {
      const value = sum(known.value, metric, labels);
      return value > 0 ? [say[level](`${part}: ${text(value)}`, mend)] : [];
    });
    return findings.length === 0 ? [ok(`the ${part} counts no failure of its own`)] : findings;
  });
}

function sum(
  samples: readonly Sample[],
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter(
      (one) =>
        one.name === metric && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    )
    .reduce((total, { value }) => total + value, 0);
}
