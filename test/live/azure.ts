/** `node test/live/azure.ts --cluster C --resource-group G --tenant T --client ID --image NAME.azurecr.io/REPOSITORY@sha256:…` */
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

const AUDIENCE = "api://AzureADTokenExchange";
/** What Defender puts beside an image. */
const REPORT = "application/vnd.in-toto+json";

/** Checks of a gate in AKS that reads Defender's reports from a container registry. */
export function azureChecks(args: readonly string[], world: World): Check[] {
  const given = options(["cluster", "resource-group", "tenant", "client", "image"], args);
  const { cluster, tenant, client, image } = given;
  const issuer = async () => {
    const text = await world.run("az", [
      "aks",
      "show",
      "--name",
      cluster,
      "--resource-group",
      given["resource-group"],
      "--output",
      "json",
    ]);
    return String(
      field(text, "oidcIssuerProfile", "issuerUrl") ?? field(text, "oidcIssuerProfile", "issuerURL"),
    );
  };
  const exchange = async (token: string): Promise<string> => {
    const text = await post(world, `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`, {
      client_id: client,
      scope: "https://containerregistry.azure.net/.default",
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: token,
    });
    return String(field(text, "access_token"));
  };
  return [
    ...clusterChecks(world, image, issuer),
    {
      name: "namespaces' labels are guarded",
      async run() {
        const text = await world.run("kubectl", [
          "get",
          "validatingadmissionpolicybindings",
          "-l",
          "app.kubernetes.io/part-of=gatehouse",
          "-o",
          "json",
        ]);
        const { items } = JSON.parse(text) as {
          items: { metadata: { name: string }; spec: { policyName: string; validationActions: string[] } }[];
        };
        const guard = items.find(({ spec }) => spec.policyName.includes("namespace-labels"));
        if (guard?.spec.validationActions.includes("Deny") !== true) throw new Error("no binding denies");
        return guard.metadata.name;
      },
    },
    ...exchangeChecks(world, AUDIENCE, exchange),
    {
      name: "the identity reads Defender's report",
      async run() {
        const [, host = "", repository = "", digest = ""] =
          /^([a-z0-9-]+\.azurecr\.(?:io|us))\/(.+)@(sha256:[0-9a-f]{64})$/.exec(image) ?? [];
        if (digest === "")
          throw new Error(`expected an image of a container registry by digest, got ${image}`);
        const access = await exchange(await tokenOf(world, AUDIENCE));
        const refresh = await post(world, `https://${host}/oauth2/exchange`, {
          grant_type: "access_token",
          service: host,
          tenant,
          access_token: access,
        });
        const pull = await post(world, `https://${host}/oauth2/token`, {
          grant_type: "refresh_token",
          service: host,
          scope: `repository:${repository}:pull`,
          refresh_token: String(field(refresh, "refresh_token")),
        });
        const answer = await world.fetch(`https://${host}/v2/${repository}/referrers/${digest}`, {
          headers: { authorization: `Bearer ${String(field(pull, "access_token"))}` },
          signal: AbortSignal.timeout(20_000),
        });
        const text = await answer.text();
        if (!answer.ok) throw new Error(`${host} answered ${answer.status}`);
        const types = ((field(text, "manifests") ?? []) as { artifactType?: string }[]).map(
          ({ artifactType }) => artifactType ?? "unknown",
        );
        if (!types.includes(REPORT)) throw new Error(`no report among ${types.join(", ") || "no referrers"}`);
        return types.join(", ");
      },
    },
  ];
}

if (import.meta.main) await main(azureChecks);
