import * as pulumi from "@pulumi/pulumi";
import { getWorkloadIdentityPoolProviderOutput } from "@pulumi/gcp/iam/getWorkloadIdentityPoolProvider.js";
import { WorkloadIdentityPool } from "@pulumi/gcp/iam/workloadIdentityPool.js";
import { WorkloadIdentityPoolProvider } from "@pulumi/gcp/iam/workloadIdentityPoolProvider.js";
import { getProjectOutput } from "@pulumi/gcp/organizations/getProject.js";
import type { Credentials, Problem } from "@gatehouse/policy";
import {
  argumentError,
  checkedLater,
  gateAccounts,
  issuerProblems,
  tokenFile,
  type GateAccount,
} from "@gatehouse/gate/components";
import type { ArtifactRegistryScanningArgs, CreateProvider, GkeMetadata } from "./artifact-registry-args.ts";
import { workloadPoolProblems } from "./artifact-registry-problems.ts";
import {
  principal,
  providerName,
  providerNameProblems,
  tokenAudience,
  unfitProvider,
} from "./provider-name.ts";

/** Which component makes something. */
export interface Place {
  readonly kind: string;
  readonly name: string;
  readonly parent: pulumi.Resource;
}

/** One of the gate's service accounts, as IAM policies name it. */
export interface GateMember {
  readonly part: GateAccount["part"];
  readonly member: pulumi.Output<string>;
}

/** Who the gate is to Google. */
export interface GoogleIdentity {
  /** Members of IAM policies: the judges' account, and the observer's. */
  readonly members: readonly GateMember[];
  readonly credentials: pulumi.Output<Credentials>;
  readonly tokenAudiences: Readonly<Record<string, pulumi.Output<string>>>;
}

/** The pool's subjects for the gate's service accounts, by a provider of its own, a named one, or GKE's own pool. */
export function googleIdentity(place: Place, args: ArtifactRegistryScanningArgs): GoogleIdentity {
  if (args.metadata !== undefined) return byMetadata(place, args.metadata, args);
  const issuer = checkedLater(place, args.cluster.issuer, (text) => issuerProblems("cluster.issuer", text));
  const accounts = gateAccounts(args.cluster);
  const given = args.workloadIdentityProvider;
  const { name, audience } =
    typeof given === "object" && !pulumi.Output.isInstance(given) && "create" in given
      ? created(place, given, issuer, accounts)
      : looked(place, given as pulumi.Input<string>, issuer);
  const token = args.tokenName ?? "google";
  return {
    members: accounts.map(({ part, subject }) => ({
      part,
      member: name.apply((text) => principal(providerName(text), subject)),
    })),
    credentials: name.apply((text): Credentials => ({
      kind: "google",
      audience: `//iam.googleapis.com/${text}`,
      tokenFile: tokenFile(token),
    })),
    tokenAudiences: { [token]: audience },
  };
}

interface Provider {
  /** Its full name, with the project's number. */
  readonly name: pulumi.Output<string>;
  /** What tokens must be meant for. */
  readonly audience: pulumi.Output<string>;
}

/** A pool and a provider that trusts the subjects of one gate, of one issuer. */
function created(
  { name, parent }: Place,
  { project, pool = "gatehouse" }: CreateProvider,
  issuerUri: pulumi.Output<string>,
  accounts: readonly GateAccount[],
): Provider {
  const where = project === undefined ? {} : { project };
  const made = new WorkloadIdentityPool(
    `${name}-pool`,
    { ...where, workloadIdentityPoolId: pool, description: "Gatehouse reads image scans" },
    { parent, protect: true },
  );
  const provider = new WorkloadIdentityPoolProvider(
    `${name}-issuer`,
    {
      ...where,
      workloadIdentityPoolId: made.workloadIdentityPoolId,
      workloadIdentityPoolProviderId: "cluster",
      attributeMapping: { "google.subject": "assertion.sub" },
      attributeCondition: `assertion.sub in [${accounts.map(({ subject }) => `'${subject}'`).join(", ")}]`,
      oidc: { issuerUri },
    },
    { parent, protect: true },
  );
  return { name: provider.name, audience: provider.name.apply((text) => tokenAudience(text, [])) };
}

/** A provider by its name, which must be the issuer's. */
function looked(
  { kind, name, parent }: Place,
  given: pulumi.Input<string>,
  issuer: pulumi.Output<string>,
): Provider {
  const checked = checkedLater({ kind, name }, given, (text) =>
    providerNameProblems("workloadIdentityProvider", text),
  );
  const parts = checked.apply(providerName);
  const found = getWorkloadIdentityPoolProviderOutput(
    {
      project: parts.projectNumber,
      workloadIdentityPoolId: parts.pool,
      workloadIdentityPoolProviderId: parts.provider,
    },
    { parent },
  );
  const fit = pulumi.all([checked, found, issuer]).apply(([text, description, of]) => {
    refuse({ kind, name }, unfitProvider(description, of));
    return { text, audience: tokenAudience(text, description.oidcs[0]?.allowedAudiences ?? []) };
  });
  return { name: fit.apply(({ text }) => text), audience: fit.apply(({ audience }) => audience) };
}

/** The principals of GKE service accounts, which the metadata server speaks for. */
function byMetadata(
  place: Place,
  { workloadPool }: GkeMetadata,
  { cluster }: ArtifactRegistryScanningArgs,
): GoogleIdentity {
  const pool = checkedLater(place, workloadPool, workloadPoolProblems);
  const project = getProjectOutput(
    { projectId: pool.apply((text) => text.replace(/\.svc\.id\.goog$/, "")) },
    { parent: place.parent },
  );
  return {
    members: gateAccounts(cluster).map(({ part, namespace, serviceAccount }) => ({
      part,
      member: pulumi
        .all([pool, project.number])
        .apply(([text, projectNumber]) =>
          principal({ projectNumber, pool: text }, `ns/${namespace}/sa/${serviceAccount}`),
        ),
    })),
    credentials: pulumi.output<Credentials>({ kind: "google-metadata" }),
    tokenAudiences: {},
  };
}

function refuse({ kind, name }: Pick<Place, "kind" | "name">, problems: readonly Problem[]): void {
  if (problems.length > 0) throw argumentError(kind, name, problems);
}
