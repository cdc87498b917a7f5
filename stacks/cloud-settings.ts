import * as z from "zod/mini";

const text = z.string().check(z.minLength(1));

/** Where a cluster of a cloud is, beside its name. The components check what they are given, with all that is wrong. */
export const clusterSettings = {
  aks: z.optional(
    z.strictObject({
      resourceGroup: text,
      login: z.optional(text),
      environment: z.optional(text),
      protectNamespaceLabels: z.optional(z.boolean()),
    }),
  ),
  eks: z.optional(
    z.strictObject({ region: z.optional(text), profile: z.optional(text), roleArn: z.optional(text) }),
  ),
  gke: z.optional(
    z.strictObject({
      location: text,
      project: z.optional(text),
      endpoint: z.optional(text),
      firewall: z.optional(z.strictObject({ port: z.int(), targetTags: z.array(text) })),
    }),
  ),
};

/** What every registry's scanning may be told. */
const common = {
  maxScanAge: z.optional(text),
  refreshAfter: z.optional(text),
  sourceName: z.optional(text),
};

/** Registries that the gate reads, of any cloud, whatever cloud its cluster is in. */
export const registrySettings = {
  acr: z.optional(
    z.strictObject({
      ...common,
      resourceGroup: text,
      location: z.optional(text),
      registries: z.record(z.string(), z.unknown()),
      trust: z.array(z.unknown()),
      defenderPlan: z.optional(z.unknown()),
      resourceGraph: z.optional(z.unknown()),
      environment: z.optional(text),
    }),
  ),
  ecr: z.optional(
    z.strictObject({
      ...common,
      repositories: z.array(text),
      oidcProvider: z.optional(z.unknown()),
      podIdentity: z.optional(z.unknown()),
      inspector: z.optional(z.boolean()),
      scanningConfiguration: z.optional(z.unknown()),
    }),
  ),
  artifactRegistry: z.optional(
    z.strictObject({
      ...common,
      repositories: z.array(text),
      workloadIdentityProvider: z.optional(z.unknown()),
      metadata: z.optional(z.unknown()),
      enableApis: z.optional(z.boolean()),
      tokenName: z.optional(text),
    }),
  ),
};
