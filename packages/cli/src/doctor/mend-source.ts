import type { SourceConfig } from "@gatehouse/policy";

/** How scanning is turned on for the registries of a source. */
function scanning(source: SourceConfig): string {
  switch (source.type) {
    case "file":
      return "put reports into the folder, each naming its image; image.txt beside those that do not";
    case "referrer":
      return "attach reports when images are built, such as with oras attach, signed by an identity in trust";
    case "ecr": {
      const region = /\.([a-z]{2}(?:-[a-z]+)+-\d{1,2})\./.exec(source.registries[0] ?? "")?.[1] ?? "REGION";
      return `aws ecr put-registry-scanning-configuration --region ${region} --scan-type BASIC --rules 'scanFrequency=SCAN_ON_PUSH,repositoryFilters=[{filter=*,filterType=WILDCARD}]', or scanningConfiguration: { create: true, type: BASIC } of EcrScanning`;
    }
    case "artifact-registry":
      return `gcloud services enable containerscanning.googleapis.com --project ${source.projects[0] ?? "PROJECT"}, or enableApis: true of ArtifactRegistryScanning`;
    case "defender":
      return "az security pricing create --name Containers --tier standard --extensions name=ContainerRegistriesVulnerabilityAssessments isEnabled=True --extensions name=ContainerIntegrityContribution isEnabled=True, or defenderPlan: { create: true, … } of AcrScanning";
  }
}

/** What the gate's identity must be allowed. */
function rights(source: SourceConfig): string {
  switch (source.type) {
    case "file":
      return "the gate reading the folder";
    case "referrer":
      return "the credentials pulling from the repository";
    case "ecr":
      return `ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:DescribeImageScanFindings on the repository${
        source.inspector === true
          ? ", and inspector2:ListFindings, inspector2:ListCoverage and inspector2:BatchGetFindingDetails"
          : ""
      }`;
    case "artifact-registry":
      return `roles/artifactregistry.reader on the repository and roles/containeranalysis.occurrences.viewer on the project ${source.projects.join(", ")}`;
    case "defender":
      return `AcrPull on the registry${source.resourceGraph === undefined ? "" : " and Security Reader on the subscriptions"}`;
  }
}

/** The setting or command that mends what a source complains of. @param why its reason, or `scanning` */
export function mendOfSource(source: SourceConfig, why: string): string {
  if (why === "scanning") return scanning(source);
  if (/issuer|audience|subject|service account token|projected token|token's|federated|trust/i.test(why))
    return "pulumi up, which writes the cloud's trust in this cluster anew; docs of the cloud name each part of it";
  if (/denied|answered 40[13]|not allowed|needs/i.test(why)) return `allow ${rights(source)}`;
  if (/throttled|asked too often|answered 429/i.test(why))
    return "lower requestsPerSecond of the source, or raise the quota";
  return "let the gate's Pods reach the registry and the cloud's endpoints: egress, proxy, private endpoint, DNS";
}
