import type { Built } from "./pairs.ts";

/** Whose tokens a cloud takes, exact to the letter. */
export interface Trusted {
  readonly issuer: string;
  readonly audience: string;
  /** Of each service account that the gate runs as, in the order in which they were named. */
  readonly subject: readonly string[];
}

/**
 * What a cloud would trust, read out of the resources that a program registered, and not out of the program: a
 * federated credential for each account, a role's trust policy, or a provider's condition.
 *
 * @throws Error when it is not exact, or there is more than one issuer or audience
 */
export function trustedOf({ resources }: Built): Trusted {
  const found = Object.entries(resources).flatMap(([name, inputs]) => {
    const read = readers[name.split(" ")[0] ?? ""];
    return read === undefined ? [] : [read(inputs, resources)];
  });
  const [first, ...others] = found;
  if (
    first === undefined ||
    others.some(({ issuer, audience }) => issuer !== first.issuer || audience !== first.audience)
  )
    throw new Error(`expected the trust of one issuer and audience, got ${JSON.stringify(found)}`);
  return { ...first, subject: found.flatMap(({ subject }) => subject) };
}

type Inputs = Readonly<Record<string, unknown>>;

const readers: Readonly<Record<string, (inputs: Inputs, all: Built["resources"]) => Trusted>> = {
  FederatedIdentityCredential({ issuer, subject, audiences }) {
    const [audience, ...more] = audiences as string[];
    if (more.length > 0) throw new Error("expected one audience");
    return { issuer: String(issuer), subject: [String(subject)], audience: String(audience) };
  },
  Role({ assumeRolePolicy }, all) {
    const { Statement } = JSON.parse(String(assumeRolePolicy)) as {
      Statement: {
        Condition: Record<string, Record<string, string | string[]>>;
        Principal: { Federated: string };
      }[];
    };
    const [statement, ...more] = Statement;
    const { StringEquals = {}, ...loose } = statement?.Condition ?? {};
    const [audience, subjects, ...others] = Object.entries(StringEquals);
    if (more.length > 0 || others.length > 0 || Object.keys(loose).length > 0)
      throw new Error("expected one statement with two exact conditions");
    const issuer = String(statement?.Principal.Federated.split(":oidc-provider/")[1]);
    if (
      audience?.[0] !== `${issuer}:aud` ||
      typeof audience[1] !== "string" ||
      subjects?.[0] !== `${issuer}:sub`
    )
      throw new Error("expected conditions on the issuer's audience and subject");
    const provider = all["OpenIdConnectProvider registry-issuer"] ?? {};
    if (!(provider["clientIdLists"] as string[]).includes(audience[1])) throw new Error("unknown audience");
    if (provider["url"] !== `https://${issuer}`) throw new Error("another issuer");
    return { issuer: `https://${issuer}`, audience: audience[1], subject: [subjects[1]].flat() };
  },
  WorkloadIdentityPoolProvider({ attributeCondition, attributeMapping, oidc }, all) {
    const [, list = ""] =
      /^assertion\.sub in \[('[^']+'(?:, '[^']+')*)\]$/.exec(String(attributeCondition)) ?? [];
    const subjects = [...list.matchAll(/'([^']+)'/g)].map(([, text]) => text ?? "");
    if ((attributeMapping as Inputs)["google.subject"] !== "assertion.sub" || subjects.length === 0)
      throw new Error("expected exact subjects");
    const { issuerUri, ...rest } = oidc as Inputs;
    if (Object.keys(rest).length > 0) throw new Error("expected the provider's own audience");
    const members = Object.values(all).flatMap(({ member }) => (typeof member === "string" ? [member] : []));
    const named = new Set(members.map((member) => member.replace(/^.*\/pool\/subject\//, "")));
    if (named.size !== subjects.length || !subjects.every((subject) => named.has(subject)))
      throw new Error("expected roles for those subjects, and for them alone");
    return { issuer: String(issuerUri), subject: subjects, audience: defaultAudience };
  },
};

/** What Google takes for a provider that lists no audience: its own full name, with the scheme. */
const defaultAudience =
  "https://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/pool/providers/cluster";
