import { clouds } from "@gatehouse/scans/testing";

/** Answers of Pulumi's providers by which what the components put out is about what the fakes know. */
export const answers = {
  "azure-native:managedidentity:UserAssignedIdentity": () => ({
    name: "identity",
    principalId: "principal",
    clientId: clouds.azureClient,
    tenantId: clouds.azureTenant,
  }),
  "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": () => ({
    name: clouds.googleAudience.replace("//iam.googleapis.com/", ""),
  }),
};
