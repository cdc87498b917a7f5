import type { SourceConfig } from "@gatehouse/policy";
import type { IdentityProblem } from "@gatehouse/scans";
import type { InsideFacts } from "../collect/sources.ts";
import { findingsOf, type DoctorFinding } from "../finding.ts";
import { mendOfSource } from "../mend-source.ts";

/** What mends each part of an identity that a cloud did not take. */
const mends: Readonly<Record<IdentityProblem, string>> = {
  "token-file": "tokenAudiences of Gate, which mounts the token that credentials.tokenFile names",
  "token-expired": "NTP on the node, or a new Pod: kubectl rollout restart deployment -n gatehouse",
  issuer:
    "the cluster's issuer in the federated credential, OIDC provider or workload identity pool: kubectl get --raw /.well-known/openid-configuration",
  audience: "tokenAudiences of Gate, the same to the letter as the audience that the cloud trusts",
  subject: "system:serviceaccount:NAMESPACE:NAME of the gate, in the cloud's trust",
  "not-found": "roleArn, tenantId, clientId, audience or serviceAccount in the source's credentials",
  "token-rejected": "issuer, subject and audience of the token, held against the cloud's trust",
};

/** Whether the clouds take the gate for whom it says it is. */
export function identity({ sources }: InsideFacts): DoctorFinding[] {
  const { ok, problem } = findingsOf("identity");
  if (sources.length === 0)
    return [
      problem(
        "no source of scan reports is configured: every image is unsupported",
        "give Gate its sources, then pulumi up",
      ),
    ];
  return sources.map(({ config, login }) => {
    const what = nameOf(config);
    if (login.outcome === "none") return ok(`${what}: there is no identity to be exchanged`);
    if (login.outcome === "given") return ok(`${what}: logged in at ${login.registry}`);
    const mend = login.problem === undefined ? mendOfSource(config, login.why) : mends[login.problem];
    return problem(`${what}: ${login.why}`, mend);
  });
}

/** What the images that were asked about came to. */
export function images({ images: all, sources }: InsideFacts): DoctorFinding[] {
  const { ok, warning, problem } = findingsOf("scanning");
  if ("why" in all)
    return [problem(`no image can be looked up: ${all.why}`, "mend the source that it names")];
  return all.value.map(({ reference, source, state, reason, scannedAt }) => {
    const text = `${reference} by ${source}: ${state}${scannedAt === undefined ? "" : `, scanned ${scannedAt}`}${reason === undefined ? "" : `: ${reason}`}`;
    const config = sources.find(({ config: { name } }) => name === source)?.config;
    if (state === "complete") return ok(text);
    if (config === undefined) return problem(text, "name its registry in the registries of a source");
    if (state === "unavailable") return problem(text, mendOfSource(config, reason ?? ""));
    if (state === "absent") return problem(text, mendOfSource(config, "scanning"));
    return warning(text, "wait for the next scan, or have the image scanned again");
  });
}

function nameOf({ name, type }: SourceConfig): string {
  return `source ${name} (${type})`;
}
