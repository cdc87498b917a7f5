import type { Built } from "./pairs.ts";

/** Whose tokens a cloud takes, exact to the letter. */
export interface Trusted {
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
}

/**
 * What a cloud would trust, read out of the resources that a program registered, and not out of the program: a
 * federated credential, a role's trust policy, or a provider's condition.
 *
 * @throws Error when it is not exact, or there is more or less than one
 */
export function trustedOf({ resources }: Built): Trusted {
  const found = Object.entries(resources).flatMap(([name, inputs]) => {
    const read = readers[name.split(" ")[0] ?? ""];
    return read === undefined ? [] : [read(inputs, resources)];
  });
  const [only, ...more] = found;
  if (only === undefined || more.length > 0) throw new Error(`expected one trust, got ${found.length}`);
  return only;
}

type Inputs = Readonly<Record<string, unknown>>;

const readers: Readonly<Record<string, (inputs: Inputs, all: Built["resources"]) => Trusted>> = {
  FederatedIdentityCredential({ issuer, subject, audiences }) {
    const [audience, ...more] = audiences as string[];
    if (more.length > 0) throw new Error("expected one audience");
    return { issuer: String(issuer), subject: String(subject), audience: String(audience) };
  },
  Role({ assumeRolePolicy }, all) {
    const { Statement } = JSON.parse(String(assumeRolePolicy)) as {
      Statement: { Condition: Record<string, Record<string, string>>; Principal: { Federated: string } }[];
    };
    const [statement, ...more] = Statement;
    const { StringEquals = {}, ...loose } = statement?.Condition ?? {};
    const [audience, subject, ...others] = Object.entries(StringEquals);
    if (more.length > 0 || others.length > 0 || Object.keys(loose).length > 0)
      throw new Error("expected one statement with two exact conditions");
    const issuer = String(statement?.Principal.Federated.split(":oidc-provider/")[1]);
    if (audience?.[0] !== `${issuer}:aud` || subject?.[0] !== `${issuer}:sub`)
      throw new Error("expected conditions on the issuer's audience and subject");
    const provider = all["OpenIdConnectProvider registry-issuer"] ?? {};
    if (!(provider["clientIdLists"] as string[]).includes(audience[1])) throw new Error("unknown audience");
    if (provider["url"] !== `https://${issuer}`) throw new Error("another issuer");
    return { issuer: `https://${issuer}`, audience: audience[1], subject: subject[1] };
  },
  WorkloadIdentityPoolProvider({ attributeCondition, attributeMapping, oidc }, all) {
    const [, subject] = /^assertion\.sub == '([^']+)'$/.exec(String(attributeCondition)) ?? [];
    if ((attributeMapping as Inputs)["google.subject"] !== "assertion.sub" || subject === undefined)
      throw new Error("expected one exact subject");
    const { issuerUri, ...rest } = oidc as Inputs;
    if (Object.keys(rest).length > 0) throw new Error("expected the provider's own audience");
    const members = Object.values(all).flatMap(({ member }) => (typeof member === "string" ? [member] : []));
    if (members.length === 0 || !members.every((member) => member.endsWith(`/pool/subject/${subject}`)))
      throw new Error("expected roles for that subject alone");
    return { issuer: String(issuerUri), subject, audience: defaultAudience };
  },
};

/** What Google takes for a provider that lists no audience: its own full name, with the scheme. */
const defaultAudience =
  "https://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/pool/providers/cluster";
