import * as pulumi from "@pulumi/pulumi";
import { getManagedClusterOutput } from "@pulumi/azure-native/containerservice/getManagedCluster.js";
import { listManagedClusterUserCredentialsOutput } from "@pulumi/azure-native/containerservice/listManagedClusterUserCredentials.js";
import { ValidatingAdmissionPolicy } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicy.js";
import { ValidatingAdmissionPolicyBinding } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicyBinding.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import {
  argumentError,
  execKubeconfig,
  isLater,
  matching,
  oneOf,
  type ClusterFacts,
} from "@gatehouse/gate/components";
import { serverOf, unfitAks, type AksDescription } from "./aks-fit.ts";
import { AzureEnvironment, environments } from "./environments.ts";
import { namespaceLabelsPolicy } from "./namespace-labels.ts";
import { resourceId } from "./resource-id.ts";

/** How kubelogin proves who deploys. */
export const KubeLogin = {
  /** As `az login` did. */
  AzureCli: "azurecli",
  /** As `azd auth login` did. */
  AzureDeveloperCli: "azd",
  /** A managed identity of the machine. */
  ManagedIdentity: "msi",
  /** A service principal, from AZURE_CLIENT_ID and its secret or certificate. */
  ServicePrincipal: "spn",
  /** A federated token, from AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE. */
  WorkloadIdentity: "workloadidentity",
} as const;
/** A way to sign in, as kubelogin's flag `--login` names it. */
export type KubeLogin = (typeof KubeLogin)[keyof typeof KubeLogin];

/** Microsoft's application that all AKS clusters check tokens for. */
const AKS_SERVER_ID = "6dae42f8-4368-4678-94ff-3960e28e3630";

/** Arguments of `AksCluster`. */
export interface AksClusterArgs {
  /** The cluster's name. */
  clusterName: pulumi.Input<string>;
  /** The resource group that it is in. */
  resourceGroup: pulumi.Input<string>;
  /** Labels that rules may ask for. Never the cluster's tags, which others may change. @default {} */
  labels?: pulumi.Input<Record<string, string>>;
  /** @default KubeLogin.AzureCli */
  login?: KubeLogin;
  /** @default AzureEnvironment.Public */
  environment?: AzureEnvironment;
  /**
   * Whether to keep callers who may not update the gate's registration from the labels by which AKS takes a namespace
   * away from all webhooks.
   * @default true
   */
  protectNamespaceLabels?: boolean;
}

/**
 * An AKS cluster that exists: its kubeconfig, issuer and facts. Creates one thing, in the cluster: the admission policy
 * that guards the labels by which AKS would let a namespace out.
 *
 * @example
 * const cluster = new AksCluster("cluster", { clusterName: "shop-prod", resourceGroup: "shop" });
 * new Gate("gate", { cluster: cluster.facts, kubeconfig: cluster.kubeconfig, … });
 */
export class AksCluster extends pulumi.ComponentResource {
  /** Holds no credential: kubelogin proves who asks. */
  readonly kubeconfig: pulumi.Output<string>;
  /** The cluster's OIDC issuer, for registries. */
  readonly issuer: pulumi.Output<string>;
  /** For `Gate.cluster`. */
  readonly facts: ClusterFacts;

  /** @throws ResourceError naming every argument that must be mended, or what keeps the cluster from carrying a gate */
  constructor(name: string, args: AksClusterArgs, opts: pulumi.ComponentResourceOptions = {}) {
    const problems = problemsOfAks(args);
    if (problems.length > 0) throw argumentError("AksCluster", name, problems);
    super("gatehouse:azure:AksCluster", name, {}, opts);

    const cluster = getManagedClusterOutput(
      { resourceName: args.clusterName, resourceGroupName: args.resourceGroup },
      { parent: this },
    ).apply((found): AksDescription => {
      const unfit = unfitAks(found);
      if (unfit.length > 0) throw argumentError("AksCluster", name, unfit);
      return found;
    });
    // Asked for only when Entra ID signs in: the answer for other clusters holds a certificate of an administrator.
    const credentials = listManagedClusterUserCredentialsOutput(
      {
        resourceName: cluster.apply((found) => found.name),
        resourceGroupName: args.resourceGroup,
        format: "exec",
      },
      { parent: this },
    );
    this.kubeconfig = pulumi.all([cluster, credentials]).apply(([found, { kubeconfigs }]) => {
      const server = serverOf(kubeconfigs[0]?.value ?? "");
      if (server !== undefined) return aksKubeconfig(found, server, args);
      throw argumentError("AksCluster", name, [
        {
          path: "clusterName",
          problem: `expected AKS to say where ${found.name} answers, got a kubeconfig without address or certificate`,
        },
      ]);
    });
    this.issuer = cluster.apply(({ oidcIssuerProfile }) => oidcIssuerProfile?.issuerURL ?? "");
    this.facts = {
      name: cluster.apply((found) => found.name),
      cloud: "azure",
      account: cluster.apply(({ id }) => resourceId(id).subscription),
      region: cluster.apply(({ location }) => location),
      labels: args.labels ?? {},
    };
    const guard =
      args.protectNamespaceLabels === false ? undefined : guardLabels(name, this.kubeconfig, this);
    this.registerOutputs({ issuer: this.issuer, kubeconfig: this.kubeconfig, guard: guard?.id });
  }
}

/** Puts the policy on namespaces' labels into force. */
function guardLabels(
  name: string,
  kubeconfig: pulumi.Output<string>,
  parent: pulumi.Resource,
): ValidatingAdmissionPolicyBinding {
  const provider = new Provider(`${name}-kubernetes`, { kubeconfig }, { parent });
  const options = { parent, provider };
  const labels = { "app.kubernetes.io/part-of": "gatehouse", "app.kubernetes.io/managed-by": "pulumi" };
  const policy = new ValidatingAdmissionPolicy(
    `${name}-namespace-labels`,
    { metadata: { labels }, spec: namespaceLabelsPolicy() },
    options,
  );
  return new ValidatingAdmissionPolicyBinding(
    `${name}-namespace-labels`,
    { metadata: { labels }, spec: { policyName: policy.metadata.name, validationActions: ["Deny"] } },
    options,
  );
}

function aksKubeconfig(
  cluster: AksDescription,
  server: { server: string; certificateAuthorityData: string },
  { login = KubeLogin.AzureCli, environment = AzureEnvironment.Public }: AksClusterArgs,
): string {
  const tenant = cluster.aadProfile?.tenantID;
  return execKubeconfig({
    name: cluster.name,
    ...server,
    exec: {
      command: "kubelogin",
      args: [
        "get-token",
        "--environment",
        environments[environment].kubelogin,
        "--server-id",
        AKS_SERVER_ID,
        ...(tenant === undefined ? [] : ["--tenant-id", tenant]),
        "--login",
        login,
      ],
      installHint: "Install kubelogin: az aks install-cli",
    },
  });
}

function problemsOfAks(args: AksClusterArgs) {
  const text = (path: string, value: unknown, form: RegExp, expected: string) =>
    isLater(value) ? [] : matching(path, value, form, expected);
  return [
    ...text(
      "clusterName",
      args.clusterName,
      /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/,
      "the name of an AKS cluster",
    ),
    ...text(
      "resourceGroup",
      args.resourceGroup,
      /^[\p{L}\p{N}._()-]{1,90}$/u,
      "the name of a resource group",
    ),
    ...oneOf("login", args.login, Object.values(KubeLogin)),
    ...oneOf("environment", args.environment, Object.values(AzureEnvironment)),
  ];
}
