/** `node test/live/aws.ts --cluster C --region R --role ARN --image ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:…` */
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

const AUDIENCE = "sts.amazonaws.com";

/** Checks of a gate in EKS that reads ECR by web identity. */
export function awsChecks(args: readonly string[], world: World): Check[] {
  const { cluster, region, role, image } = options(["cluster", "region", "role", "image"], args);
  const issuer = async () => {
    const text = await world.run("aws", [
      "eks",
      "describe-cluster",
      "--name",
      cluster,
      "--region",
      region,
      "--output",
      "json",
    ]);
    return String(field(text, "cluster", "identity", "oidc", "issuer"));
  };
  const assume = async (token: string) => {
    const xml = await post(world, `https://sts.${region}.amazonaws.com/`, {
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: role,
      RoleSessionName: "gatehouse-live",
      WebIdentityToken: token,
    });
    const element = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1] ?? "";
    return {
      AWS_ACCESS_KEY_ID: element("AccessKeyId"),
      AWS_SECRET_ACCESS_KEY: element("SecretAccessKey"),
      AWS_SESSION_TOKEN: element("SessionToken"),
    };
  };
  return [
    ...clusterChecks(world, image, issuer),
    ...exchangeChecks(world, AUDIENCE, assume),
    {
      name: "the role reads a scan of ECR",
      async run() {
        const [, account = "", of = "", repository = "", digest = ""] =
          /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[^/]+\/(.+)@(sha256:[0-9a-f]{64})$/.exec(image) ?? [];
        if (digest === "") throw new Error(`expected an ECR image by digest, got ${image}`);
        const keys = await assume(await tokenOf(world, AUDIENCE));
        const text = await world.run(
          "aws",
          [
            "ecr",
            "describe-image-scan-findings",
            "--registry-id",
            account,
            "--region",
            of,
            "--repository-name",
            repository,
            "--image-id",
            `imageDigest=${digest}`,
            "--max-items",
            "1",
            "--output",
            "json",
          ],
          { ...keys, AWS_PROFILE: "" },
        );
        const status = field(text, "imageScanStatus", "status");
        if (status !== "COMPLETE" && status !== "ACTIVE") throw new Error(`the scan is ${String(status)}`);
        return `the scan is ${status}`;
      },
    },
  ];
}

if (import.meta.main) await main(awsChecks);
