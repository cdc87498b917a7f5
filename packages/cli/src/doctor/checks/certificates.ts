import { X509Certificate } from "node:crypto";
import type { ClusterFacts } from "../facts.ts";
import { findingsOf, type DoctorFinding } from "../finding.ts";

const day = 24 * 60 * 60_000;
/** An authority ends by rotation, which needs two updates and somebody to make them. */
const soon = 60 * day;
/** A leaf is renewed by itself at two thirds of its life. */
const leafMetric = "gatehouse_certificate_expiry_timestamp_seconds";

/** Whether API servers trust what the judges sign with, and until when. */
export function certificates(facts: ClusterFacts): DoctorFinding[] {
  const { authorities, validating, pinning, now } = facts;
  const { ok, warning, problem } = findingsOf("certificates");
  const findings: DoctorFinding[] = leaf(facts);
  if ("why" in authorities)
    return [
      ...findings,
      warning(
        `the authorities' Secrets cannot be read: ${authorities.why}`,
        `kubectl auth can-i list secrets -n ${facts.namespace}`,
      ),
    ];
  const own = new Map<string, string>();
  for (const [name, pem] of Object.entries(authorities.value)) {
    const [certificate] = certificatesOf(pem);
    if (certificate === undefined) {
      findings.push(
        problem(
          `Secret ${name} holds no certificate`,
          `pulumi up --replace for it, or a new caGenerations entry`,
        ),
      );
      continue;
    }
    own.set(certificate.fingerprint256, name);
    const end = Date.parse(certificate.validTo);
    const text = `authority ${certificate.subject.replace(/^CN=/, "")} ends on ${new Date(end).toISOString().slice(0, 10)}`;
    const mend = "add a name to gatehouse:caGenerations, pulumi up, take the old one out, pulumi up again";
    findings.push(end <= now ? problem(text, mend) : end - now < soon ? warning(text, mend) : ok(text));
  }
  if (own.size === 0) findings.push(problem("there is no Secret with an authority of the gate", "pulumi up"));
  for (const [what, registration] of [
    ["validating", validating],
    ["pinning", pinning],
  ] as const) {
    if ("why" in registration || registration.value === undefined) continue;
    const trusted = new Set(
      certificatesOf(registration.value.caBundle).map(({ fingerprint256 }) => fingerprint256),
    );
    const missing = [...own].filter(([fingerprint]) => !trusted.has(fingerprint)).map(([, name]) => name);
    if (trusted.size === 0)
      findings.push(
        problem(
          `the ${what} webhook has no certificate in its caBundle: API servers cannot call the gate`,
          "pulumi up --refresh",
        ),
      );
    else if (missing.length > 0)
      findings.push(
        problem(
          `the ${what} webhook's caBundle lacks what Secret ${missing.join(", ")} holds`,
          "pulumi up --refresh",
        ),
      );
    else if (own.size > 0)
      findings.push(ok(`the ${what} webhook's caBundle holds all ${own.size} authorities of the gate`));
  }
  return findings;
}

/** As the judge that answered says. */
function leaf({ judgeMetrics, now, namespace }: ClusterFacts): DoctorFinding[] {
  const { ok, problem } = findingsOf("certificates");
  if ("why" in judgeMetrics) return [];
  const sample = judgeMetrics.value.find(
    ({ name, labels }) => name === leafMetric && labels["certificate"] === "leaf",
  );
  if (sample === undefined) return [];
  const end = sample.value * 1000;
  const text = `the judge's own certificate ends on ${new Date(end).toISOString()}`;
  return [
    end > now
      ? ok(text)
      : problem(
          text,
          `kubectl rollout restart deployment -n ${namespace} -l app.kubernetes.io/component=judge`,
        ),
  ];
}

/** Those of a PEM text that can be read. */
function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}
