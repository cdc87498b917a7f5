import type { ClusterFacts } from "../facts.ts";
import { findingsOf, type DoctorFinding } from "../finding.ts";

/** Date headers have whole seconds, and a request takes its time. */
const tolerated = 5_000;
/** From here on clouds refuse signatures, and fresh certificates are not valid yet. */
const harmful = 60_000;

/** Whether the clocks agree: exemptions, certificates and signatures go by them. */
export function clock({ ahead }: ClusterFacts): DoctorFinding[] {
  const { ok, warning, problem } = findingsOf("clock");
  const whose = { apiServer: "the API server's", judge: "the judge's" } as const;
  return Object.entries(whose).map(([key, name]) => {
    const known = ahead[key as keyof typeof whose];
    if ("why" in known)
      return warning(
        `${name} clock is not known: ${known.why}`,
        "date -u on its node, held against a good clock",
      );
    const { value } = known;
    const text = `${name} clock is ${Math.round(Math.abs(value) / 1000)} s ${value < 0 ? "behind" : "ahead of"} this machine's`;
    if (Math.abs(value) <= tolerated) return ok(`${name} clock agrees with this machine's`);
    const mend = "have NTP run on this machine and on the cluster's nodes";
    return Math.abs(value) < harmful ? warning(text, mend) : problem(text, mend);
  });
}
