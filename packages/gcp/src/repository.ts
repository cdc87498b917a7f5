import type { Problem } from "@gatehouse/policy";
import { matching } from "@gatehouse/gate/components";

/** A repository of Artifact Registry, as a reference to one of its images begins. */
export interface ArtifactRepository {
  /** `LOCATION-docker.pkg.dev` */
  readonly host: string;
  readonly location: string;
  readonly project: string;
  readonly repository: string;
}

const form =
  /^(([a-z][a-z0-9-]*)-docker\.pkg\.dev)\/([a-z][a-z0-9-]{4,28}[a-z0-9])\/([a-z][a-z0-9-]{0,61}[a-z0-9]|[a-z])$/;

/** What is wrong with the name of a repository. */
export function repositoryProblems(path: string, repository: unknown): Problem[] {
  return matching(path, repository, form, "LOCATION-docker.pkg.dev/PROJECT/REPOSITORY");
}

/** The parts of a repository that {@link repositoryProblems} finds nothing wrong with. */
export function artifactRepository(text: string): ArtifactRepository {
  const [, host = "", location = "", project = "", repository = ""] = form.exec(text) ?? [];
  return { host, location, project, repository };
}
