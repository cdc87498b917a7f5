import * as pulumi from "@pulumi/pulumi";
import { RepositoryIamMember } from "@pulumi/gcp/artifactregistry/repositoryIamMember.js";
import { IAMMember } from "@pulumi/gcp/projects/iammember.js";
import { Service } from "@pulumi/gcp/projects/service.js";
import type { SourceConfig } from "@gatehouse/policy";
import { argumentError } from "@gatehouse/gate/components";
import type { ArtifactRegistryScanningArgs } from "./artifact-registry-args.ts";
import { problemsOfArtifactRegistry } from "./artifact-registry-problems.ts";
import { googleIdentity } from "./identity.ts";
import { artifactRepository } from "./repository.ts";

/** Services that scanning takes, in each project that holds images. Container Scanning is billed for each image. */
const services = [
  "artifactregistry.googleapis.com",
  "containeranalysis.googleapis.com",
  "containerscanning.googleapis.com",
];

/**
 * Lets a gate, in any cluster, read the scans of repositories of Artifact Registry: a principal that only the gate's
 * service account can be, and roles of its own on what is named. There is no service account of Google's and no key.
 *
 * @example
 * const registry = new ArtifactRegistryScanning("images", {
 *   cluster: { issuer: cluster.issuer, ...gateIdentity() },
 *   workloadIdentityProvider: { create: true },
 *   repositories: ["europe-west1-docker.pkg.dev/shop-images/shop"],
 * });
 * new Gate("gate", { sources: [registry.source], tokenAudiences: registry.tokenAudiences, … });
 */
export class ArtifactRegistryScanning extends pulumi.ComponentResource {
  /** For `Gate.sources`. Known once the principal may read. */
  readonly source: pulumi.Output<SourceConfig>;
  /** For `Gate.tokenAudiences`. */
  readonly tokenAudiences: Readonly<Record<string, pulumi.Output<string>>>;

  /** @throws ResourceError naming every argument that must be mended */
  constructor(name: string, args: ArtifactRegistryScanningArgs, opts: pulumi.ComponentResourceOptions = {}) {
    const problems = problemsOfArtifactRegistry(args);
    if (problems.length > 0) throw argumentError("ArtifactRegistryScanning", name, problems);
    super("gatehouse:gcp:ArtifactRegistryScanning", name, {}, opts);
    const options = { parent: this };

    const repositories = args.repositories.map(artifactRepository);
    const projects = distinct(repositories.map(({ project }) => project));
    const apis =
      args.enableApis === true
        ? projects.flatMap((project) =>
            services.map(
              (service) =>
                new Service(
                  `${name}-${project}-${service.split(".")[0]}`,
                  { project, service, disableOnDestroy: false },
                  options,
                ),
            ),
          )
        : [];
    const identity = googleIdentity({ kind: "ArtifactRegistryScanning", name, ...options }, args);
    const grants = identity.members.flatMap(({ part, member }) => {
      const suffix = part === "judge" ? "" : `-${part}`;
      return [
        ...repositories.map(
          ({ location, project, repository }) =>
            new RepositoryIamMember(
              `${name}-read-${location}-${project}-${repository}${suffix}`,
              { project, location, repository, role: "roles/artifactregistry.reader", member },
              { ...options, dependsOn: apis },
            ),
        ),
        // Google keeps scans by project; there is nothing smaller to grant this on.
        ...projects.map(
          (project) =>
            new IAMMember(
              `${name}-scans-${project}${suffix}`,
              { project, role: "roles/containeranalysis.occurrences.viewer", member },
              { ...options, dependsOn: apis },
            ),
        ),
      ];
    });

    this.tokenAudiences = identity.tokenAudiences;
    this.source = pulumi
      .all([identity.credentials, pulumi.all(grants.map(({ id }) => id))])
      .apply(([credentials]): SourceConfig => ({
        name: args.sourceName ?? name,
        type: "artifact-registry",
        registries: distinct(repositories.map(({ host }) => host)),
        projects,
        credentials,
        ...(args.maxScanAge === undefined ? {} : { maxScanAge: args.maxScanAge }),
        ...(args.refreshAfter === undefined ? {} : { refreshAfter: args.refreshAfter }),
      }));
    this.registerOutputs({ source: this.source });
  }
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
