/** Azure's clouds. Defender for Containers is not in China any more. */
export const AzureEnvironment = { Public: "public", UsGovernment: "us-government" } as const;
/** One of Azure's clouds, by a name of ours: each tool has another for it, see {@link environments}. */
export type AzureEnvironment = (typeof AzureEnvironment)[keyof typeof AzureEnvironment];

/** What differs between Azure's clouds. */
export const environments: Readonly<
  Record<
    AzureEnvironment,
    {
      /** As kubelogin calls it. */
      readonly kubelogin: string;
      /** Who a federated token is for. */
      readonly audience: string;
      /** Only where it is not the default of the gate. */
      readonly endpoints: { readonly authority?: string; readonly resourceManager?: string };
    }
  >
> = {
  public: { kubelogin: "AzurePublicCloud", audience: "api://AzureADTokenExchange", endpoints: {} },
  "us-government": {
    kubelogin: "AzureUSGovernmentCloud",
    audience: "api://AzureADTokenExchangeUSGov",
    endpoints: {
      authority: "https://login.microsoftonline.us/",
      resourceManager: "https://management.usgovcloudapi.net",
    },
  },
};
