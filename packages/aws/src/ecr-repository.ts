import type { Problem } from "@gatehouse/policy";
import { matching } from "@gatehouse/gate/components";

/** Repositories of one ECR registry, as a reference to an image begins. */
export interface EcrRepository {
  /** `ACCOUNT.dkr.ecr.REGION.amazonaws.com` */
  readonly host: string;
  readonly account: string;
  readonly region: string;
  /** For policies; `*` stands at the end of a prefix. */
  readonly arn: string;
}

const region = "([a-z]{2}(?:-[a-z]+)+-\\d{1,2})";
/** Hosts of ECR, with FIPS or dual stack too: https://docs.aws.amazon.com/general/latest/gr/ecr.html */
const host = `(\\d{12})\\.dkr(?:\\.ecr(?:-fips)?\\.${region}\\.amazonaws\\.com(?:\\.cn)?|-ecr(?:-fips)?\\.${region}\\.on\\.aws)`;
const form = new RegExp(`^(${host})/([a-z0-9][a-z0-9._/-]*\\*?|\\*)$`);

/** What is wrong with the name of a repository. */
export function repositoryProblems(path: string, repository: unknown): Problem[] {
  return matching(
    path,
    repository,
    form,
    "ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME, or a prefix of names that ends in *",
  );
}

/** The parts of a repository that {@link repositoryProblems} finds nothing wrong with. */
export function ecrRepository(text: string): EcrRepository {
  const [, host = "", account = "", usual, dualStack, name = ""] = form.exec(text) ?? [];
  const region = usual ?? dualStack ?? "";
  return {
    host,
    account,
    region,
    arn: `arn:${partitionOf(region)}:ecr:${region}:${account}:repository/${name}`,
  };
}

/** AWS's partition of a region: its own clouds for China and the US government have names of their own in ARNs. */
function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  return "aws";
}
