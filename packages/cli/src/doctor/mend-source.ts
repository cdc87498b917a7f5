import type { SourceConfig } from "@gatehouse/policy";

/** How scanning is turned on, by the kind of source. */
const scanning: Readonly<Record<SourceConfig["type"], string>> = {
  file: "put reports into the folder, each naming its image; image.txt beside those that do not",
  referrer: "attach reports when images are built, such as with oras attach, signed by an identity in trust",
  ecr: "aws ecr put-registry-scanning-configuration, or EcrScanning with create: true",
  "artifact-registry":
    "gcloud services enable containerscanning.googleapis.com, or ArtifactRegistryScanning with create: true",
  defender: "az security pricing create --name Containers --tier Standard, or AcrScanning with create: true",
};

/** What the gate's identity must be allowed. */
const rights: Readonly<Record<SourceConfig["type"], string>> = {
  file: "let the gate read the folder",
  referrer: "let the credentials pull from the repository",
  ecr: "ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:DescribeImageScanFindings on the repository",
  "artifact-registry":
    "roles/artifactregistry.reader on the repository and roles/containeranalysis.occurrences.viewer on the project",
  defender: "AcrPull on the registry (and Security Reader for resourceGraph)",
};

/** The setting or command that mends what a source complains of. @param why its reason, or `scanning` */
export function mendOfSource({ type }: SourceConfig, why: string): string {
  if (why === "scanning") return scanning[type];
  if (/issuer|audience|subject|service account token|projected token|token's|federated|trust/i.test(why))
    return "pulumi up, which writes the cloud's trust in this cluster anew; docs of the cloud name each part of it";
  if (/denied|answered 40[13]|not allowed|needs/i.test(why)) return `grant ${rights[type]}`;
  if (/throttled|asked too often|answered 429/i.test(why))
    return "lower requestsPerSecond of the source, or raise the quota";
  return "let the gate's Pods reach the registry and the cloud's endpoints: egress, proxy, private endpoint, DNS";
}
