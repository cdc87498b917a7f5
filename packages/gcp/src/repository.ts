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

const projectId = "[a-z][a-z0-9-]{4,28}[a-z0-9]";
/** A project of a domain, `example.com:app`, is `example.com/app` in the name of an image. */
const domain = "(?:([a-z0-9-]+(?:\\.[a-z0-9-]+)+)/)?";
const form = new RegExp(
  `^(([a-z][a-z0-9-]*)-docker\\.pkg\\.dev)/${domain}(${projectId})/([a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)$`,
);

/** What is wrong with the name of a repository. */
export function repositoryProblems(path: string, repository: unknown): Problem[] {
  return matching(path, repository, form, "LOCATION-docker.pkg.dev/PROJECT/REPOSITORY");
}

/** The parts of a repository that {@link repositoryProblems} finds nothing wrong with. */
export function artifactRepository(text: string): ArtifactRepository {
  const [, host = "", location = "", of, id = "", repository = ""] = form.exec(text) ?? [];
  return { host, location, project: of === undefined ? id : `${of}:${id}`, repository };
}
