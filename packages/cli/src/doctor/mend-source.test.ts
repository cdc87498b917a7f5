import type { SourceConfig } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { mendOfSource } from "./mend-source.ts";

const ecr: SourceConfig = {
  type: "ecr",
  name: "ecr",
  registries: ["123456789012.dkr.ecr.eu-west-1.amazonaws.com"],
  credentials: {
    kind: "aws-pod-identity",
    endpoint: "http://169.254.170.23/v1/credentials",
    tokenFile: "/t",
  },
};
const artifacts: SourceConfig = {
  type: "artifact-registry",
  name: "gar",
  registries: ["europe-docker.pkg.dev"],
  projects: ["shop-images"],
  credentials: { kind: "google-metadata" },
};
const defender: SourceConfig = {
  type: "defender",
  name: "acr",
  registries: ["shop.azurecr.io"],
  credentials: { kind: "azure", tenantId: "t", clientId: "c", tokenFile: "/t" },
  trust: [{ kind: "sigstore-key", publicKey: "k" }],
};

test.each<[string, SourceConfig, string]>([
  [
    "ECR",
    ecr,
    "aws ecr put-registry-scanning-configuration --region eu-west-1 --scan-type BASIC --rules 'scanFrequency=SCAN_ON_PUSH,repositoryFilters=[{filter=*,filterType=WILDCARD}]', or scanningConfiguration: { create: true, type: BASIC } of EcrScanning",
  ],
  [
    "Artifact Registry",
    artifacts,
    "gcloud services enable containerscanning.googleapis.com --project shop-images, or enableApis: true of ArtifactRegistryScanning",
  ],
  [
    "Defender",
    defender,
    "az security pricing create --name Containers --tier standard --extensions name=ContainerRegistriesVulnerabilityAssessments isEnabled=True --extensions name=ContainerIntegrityContribution isEnabled=True, or defenderPlan: { create: true, … } of AcrScanning",
  ],
])("scanning is turned on for %s", (_what, source, expected) => {
  expect(mendOfSource(source, "scanning")).toBe(expected);
});

test.each<[string, SourceConfig, string]>([
  [
    "ECR",
    ecr,
    "allow ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:DescribeImageScanFindings on the repository",
  ],
  [
    "Inspector",
    { ...ecr, inspector: true },
    "allow ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:DescribeImageScanFindings on the repository, and inspector2:ListFindings, inspector2:ListCoverage and inspector2:BatchGetFindingDetails",
  ],
  [
    "Artifact Registry",
    artifacts,
    "allow roles/artifactregistry.reader on the repository and roles/containeranalysis.occurrences.viewer on the project shop-images",
  ],
  ["Defender", defender, "allow AcrPull on the registry"],
  [
    "Resource Graph",
    { ...defender, resourceGraph: {} },
    "allow AcrPull on the registry and Security Reader on the subscriptions",
  ],
])("the right that is missing at %s", (_what, source, expected) => {
  expect(mendOfSource(source, "registry.example: answered 403")).toBe(expected);
});

test.each([
  ["the token's issuer is not trusted", "pulumi up, which writes the cloud's trust"],
  ["api.ecr.example: asks for fewer requests; throttled", "lower requestsPerSecond of the source"],
  ["api.ecr.example: no answer in time", "let the gate's Pods reach the registry"],
])("%s", (why, expected) => {
  expect(mendOfSource(ecr, why).slice(0, expected.length)).toBe(expected);
});
