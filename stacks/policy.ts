/**
 * The rules of this organisation's clusters. One policy serves all of them; each cluster's stack says whether it
 * audits or denies. Pure data: no Pulumi, no clock, no I/O, so the command line, the tour, tests and `pulumi up`
 * all load this same file.
 */
import { anyOf, definePolicy, deny, exempt, findings, states } from "@gatehouse/policy";

export default definePolicy({
  rules: {
    "no-fixable-critical": deny({
      description: "A critical whose fix is two weeks old does not ship",
      except: { namespace: ["sandbox-*"] },
      when: findings({ minSeverity: "critical", fixAvailableFor: "14d" }),
      onScan: { ...states.audit, absent: "deny" },
    }),
    "no-known-exploited": deny({
      description: "Nothing that is known to be exploited, nor three highs that are likely to be",
      when: anyOf(
        findings({ knownExploited: true, ifUnknown: "skip" }),
        findings({ atLeast: 3, minSeverity: "high", minEpss: 0.5, ifUnknown: "skip" }),
      ),
      onScan: states.audit,
    }),
  },
  exemptions: {
    "openssl-in-legacy-billing": exempt({
      rules: ["no-fixable-critical"],
      cves: ["CVE-2026-12345"],
      packages: ["openssl"],
      where: { namespace: "billing", repository: "billing/legacy-*" },
      reason: "Unreachable: TLS ends at the proxy",
      owner: "team-billing",
      ticket: "SEC-421",
      until: "2027-01-31",
    }),
    "curl-in-reports": exempt({
      rules: ["no-fixable-critical"],
      cves: ["CVE-2026-20001"],
      where: { namespace: "reports" },
      reason: "Waited for the vendor's image",
      owner: "team-reports",
      ticket: "SEC-377",
      until: "2026-10-31",
    }),
  },
  exemptionHelp:
    "Add an exemption to stacks/policy.ts with a reason, an owner and an end, and ask security to review it.",
});
