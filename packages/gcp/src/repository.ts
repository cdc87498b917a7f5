import type { Problem } from "@gatehouse/policy";
import { matching } from "@gatehouse/gate/components";

/** A repository of Artifact Registry, as a reference to one of its images begins. */
export interface ArtifactRepository {
  /** `LOCATION-docker.pkg.dev`, or one of the older hosts under gcr.io. */
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
/**
 * What Container Registry's hosts are now: in each project, one repository of Artifact Registry that is called as its
 * host is (https://cloud.google.com/artifact-registry/docs/transition/transition-from-gcr).
 */
const olderForm = new RegExp(`^((?:us\\.|eu\\.|asia\\.)?gcr\\.io)/${domain}(${projectId})$`);
const olderLocations: Readonly<Record<string, string>> = {
  "gcr.io": "us",
  "us.gcr.io": "us",
  "eu.gcr.io": "europe",
  "asia.gcr.io": "asia",
};

/** What is wrong with the name of a repository. */
export function repositoryProblems(path: string, repository: unknown): Problem[] {
  return matching(
    path,
    repository,
    new RegExp(`${form.source}|${olderForm.source}`),
    "LOCATION-docker.pkg.dev/PROJECT/REPOSITORY, or gcr.io/PROJECT",
  );
}

/** The parts of a repository that {@link repositoryProblems} finds nothing wrong with. */
export function artifactRepository(text: string): ArtifactRepository {
  const [, older, olderOf, olderId = ""] = olderForm.exec(text) ?? [];
  if (older !== undefined)
    return {
      host: older,
      location: olderLocations[older] ?? "",
      project: projectOf(olderOf, olderId),
      repository: older,
    };
  const [, host = "", location = "", of, id = "", repository = ""] = form.exec(text) ?? [];
  return { host, location, project: projectOf(of, id), repository };
}

function projectOf(of: string | undefined, id: string): string {
  return of === undefined ? id : `${of}:${id}`;
}
