import { RegistryError } from "../registry/errors.ts";
import type { ImageIdentity } from "../source.ts";

/** An image as Container Analysis names it. */
export interface AnalysedImage {
  project: string;
  /** `us`, `europe-west1`. */
  location: string;
  /** `https://LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE@sha256:…` */
  resourceUrl: string;
}

const hostForm = /^([a-z]+(?:-[a-z]+\d+)?)-docker\.pkg\.dev$/;
/** Hosts of the older Container Registry, whose images Artifact Registry now holds there. */
const olderHosts: Readonly<Record<string, string>> = {
  "gcr.io": "us",
  "us.gcr.io": "us",
  "eu.gcr.io": "europe",
  "asia.gcr.io": "asia",
};

/**
 * The project, location and resource of an image; undefined when its project is none of `projects`: nothing is asked
 * about a project that the configuration does not name.
 * @throws RegistryError `unsupported` for a host that is not Artifact Registry.
 */
export function analysedImage(image: ImageIdentity, projects: readonly string[]): AnalysedImage | undefined {
  const location = hostForm.exec(image.registry)?.[1] ?? olderHosts[image.registry];
  if (location === undefined)
    throw new RegistryError("unsupported", `${image.registry} is no host of Artifact Registry`);
  // A project of a domain is `example.com:app`, and `example.com/app` in an image's name.
  const project = projects.find((one) => image.repository.startsWith(`${one.replace(":", "/")}/`));
  if (project === undefined) return undefined;
  const resourceUrl = `https://${image.registry}/${image.repository}@${image.digest}`;
  // It becomes part of a filter expression.
  if (!/^[\w./:@-]+$/.test(resourceUrl))
    throw new RegistryError("unsupported", `${resourceUrl} cannot be asked about`);
  return { project, location, resourceUrl };
}
