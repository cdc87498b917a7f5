import type { Problem } from "@gatehouse/policy";
import {
  clusterProblems,
  isLater,
  matching,
  name,
  scanTermsProblems,
  show,
} from "@gatehouse/gate/components";
import type { ArtifactRegistryScanningArgs } from "./artifact-registry-args.ts";
import { providerNameProblems } from "./provider-name.ts";
import { repositoryProblems } from "./repository.ts";

/** All that is wrong with the arguments; what is an Output is looked at when it is known. */
export function problemsOfArtifactRegistry(args: ArtifactRegistryScanningArgs): Problem[] {
  return [
    ...clusterProblems("cluster", args.cluster),
    ...repositoriesProblems(args.repositories),
    ...identityProblems(args),
    ...name("tokenName", args.tokenName),
    ...scanTermsProblems(args),
  ];
}

function repositoriesProblems(repositories: unknown): Problem[] {
  const path = "repositories";
  if (!Array.isArray(repositories) || repositories.length === 0)
    return [{ path, problem: "expected at least one repository" }];
  const problems = repositories.flatMap((one: unknown, index) => repositoryProblems(`${path}.${index}`, one));
  if (new Set(repositories).size < repositories.length)
    problems.push({ path, problem: "expected different repositories, got one twice" });
  return problems;
}

function identityProblems(args: ArtifactRegistryScanningArgs): Problem[] {
  const { workloadIdentityProvider: provider, metadata } = args;
  const path = "workloadIdentityProvider";
  if (metadata !== undefined)
    return [
      ...(provider === undefined
        ? []
        : [{ path, problem: "expected either workloadIdentityProvider or metadata, got both" }]),
      ...(isLater(metadata.workloadPool) ? [] : workloadPoolProblems(metadata.workloadPool)),
    ];
  if (isLater(provider)) return [];
  if (typeof provider !== "object" || !("create" in provider)) return providerNameProblems(path, provider);
  const { create, pool }: { create: unknown; pool?: string } = provider;
  return [
    ...(create === true
      ? []
      : [{ path, problem: `expected a name or { create: true }, got ${show(provider)}` }]),
    ...(pool === undefined
      ? []
      : matching(
          `${path}.pool`,
          pool,
          /^(?!gcp-)[a-z0-9-]{4,32}$/,
          "4 to 32 lower-case letters, digits and dashes that do not begin with gcp-",
        )),
  ];
}

/** What is wrong with the name of a GKE cluster's pool. */
export function workloadPoolProblems(pool: unknown): Problem[] {
  return matching("metadata.workloadPool", pool, /^[a-z0-9.:-]+\.svc\.id\.goog$/, "PROJECT.svc.id.goog");
}
