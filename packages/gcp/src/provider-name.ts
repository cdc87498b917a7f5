import type { Problem } from "@gatehouse/policy";
import { matching } from "@gatehouse/gate/components";

/** A workload identity provider, by the parts of its full name. */
export interface ProviderName {
  /** The project's number: names with a project's id are not what tokens are checked against. */
  readonly projectNumber: string;
  readonly pool: string;
  readonly provider: string;
}

const form =
  /^projects\/(\d+)\/locations\/global\/workloadIdentityPools\/([a-z0-9-]{4,32})\/providers\/([a-z0-9-]{4,32})$/;

/** What is wrong with the full name of a provider. */
export function providerNameProblems(path: string, name: unknown): Problem[] {
  return matching(
    path,
    name,
    form,
    "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, with the project's number, or { create: true }",
  );
}

/** The parts of a name that {@link providerNameProblems} finds nothing wrong with. */
export function providerName(name: string): ProviderName {
  const [, projectNumber = "", pool = "", provider = ""] = form.exec(name) ?? [];
  return { projectNumber, pool, provider };
}

/** What Google calls a subject of a pool, as a member of IAM policies. */
export function principal({ projectNumber, pool }: Omit<ProviderName, "provider">, subject: string): string {
  return `principal://iam.googleapis.com/projects/${projectNumber}/locations/global/workloadIdentityPools/${pool}/subject/${subject}`;
}

/** What matters of how Google describes a provider. */
export interface ProviderDescription {
  readonly disabled: boolean;
  readonly attributeMapping: Readonly<Record<string, string>>;
  readonly oidcs: readonly { readonly issuerUri: string; readonly allowedAudiences: readonly string[] }[];
}

/** What keeps a provider that was looked up from trusting the gate, and only the gate, as this subject. */
export function unfitProvider(found: ProviderDescription, issuer: string): Problem[] {
  const path = "workloadIdentityProvider";
  const issuerUri = found.oidcs[0]?.issuerUri;
  const subject = found.attributeMapping["google.subject"];
  return [
    ...(found.disabled ? [{ path, problem: "expected a provider that is enabled, got a disabled one" }] : []),
    ...(issuerUri === issuer
      ? []
      : [
          {
            path,
            problem: `expected the provider of the cluster's issuer ${issuer}, got that of ${issuerUri ?? "something else than OIDC"}`,
          },
        ]),
    ...(subject === "assertion.sub"
      ? []
      : [
          {
            path,
            problem: `expected google.subject to be mapped from assertion.sub, got ${subject ?? "nothing"}`,
          },
        ]),
  ];
}

/** The audience that a provider wants in tokens: the first it lists, else its own name. */
export function tokenAudience(name: string, allowedAudiences: readonly string[]): string {
  return allowedAudiences[0] ?? `https://iam.googleapis.com/${name}`;
}
