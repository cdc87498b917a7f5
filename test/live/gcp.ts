/** `node test/live/gcp.ts --cluster C --location L --project P --provider projects/…/providers/… --image LOCATION-docker.pkg.dev/…@sha256:…` */
import {
  clusterChecks,
  exchangeChecks,
  field,
  main,
  options,
  post,
  tokenOf,
  type Check,
  type World,
} from "./checks.ts";

/** Checks of a gate in GKE that reads Artifact Analysis by a workload identity provider that lists no audience. */
export function gcpChecks(args: readonly string[], world: World): Check[] {
  const { cluster, location, project, provider, image } = options(
    ["cluster", "location", "project", "provider", "image"],
    args,
  );
  const audience = `https://iam.googleapis.com/${provider}`;
  const issuer = () =>
    Promise.resolve(
      `https://container.googleapis.com/v1/projects/${project}/locations/${location}/clusters/${cluster}`,
    );
  const exchange = async (token: string): Promise<string> => {
    const text = await post(world, "https://sts.googleapis.com/v1/token", {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      audience: `//iam.googleapis.com/${provider}`,
      scope: "https://www.googleapis.com/auth/cloud-platform",
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      subject_token: token,
    });
    return String(field(text, "access_token"));
  };
  return [
    ...clusterChecks(world, image, issuer),
    ...exchangeChecks(world, audience, exchange),
    {
      name: "the principal reads a scan of Artifact Analysis",
      async run() {
        const [, domain, id = ""] =
          /^(?:[a-z0-9-]+-docker\.pkg\.dev|(?:(?:us|eu|asia)\.)?gcr\.io)\/(?:([a-z0-9-]+(?:\.[a-z0-9-]+)+)\/)?([^/]+)\/.+@sha256:[0-9a-f]{64}$/.exec(
            image,
          ) ?? [];
        const of = domain === undefined ? id : `${domain}:${id}`;
        if (id === "") throw new Error(`expected an image of Artifact Registry by digest, got ${image}`);
        const filter = `kind="DISCOVERY" AND resourceUrl="https://${image}"`;
        const answer = await world.fetch(
          `https://containeranalysis.googleapis.com/v1/projects/${of}/occurrences?filter=${encodeURIComponent(filter)}`,
          {
            headers: { authorization: `Bearer ${await exchange(await tokenOf(world, audience))}` },
            signal: AbortSignal.timeout(30_000),
          },
        );
        const text = await answer.text();
        if (!answer.ok)
          throw new Error(`Container Analysis answered ${answer.status}: ${text.slice(0, 300)}`);
        const found = (field(text, "occurrences") ?? []) as { discovery?: { analysisStatus?: string } }[];
        const states = found.map(({ discovery }) => discovery?.analysisStatus ?? "unknown");
        if (!states.includes("FINISHED_SUCCESS"))
          throw new Error(`no finished analysis among ${states.join(", ") || "no records"}`);
        return states.join(", ");
      },
    },
  ];
}

if (import.meta.main) await main(gcpChecks);
