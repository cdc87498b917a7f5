import type * as pulumi from "@pulumi/pulumi";
import { Provider } from "@pulumi/kubernetes/provider.js";
import type { GateArgs } from "./args.ts";
import { inputError } from "./errors.ts";

/** Where the children of a Gate go. */
export interface Placement {
  /** Prefix of logical names. */
  readonly name: string;
  /** The gate's namespace, by way of which every child waits for it. */
  readonly namespace: pulumi.Input<string>;
  /** For resources of Kubernetes. */
  readonly options: pulumi.CustomResourceOptions;
  /** For resources of other providers. */
  readonly plain: pulumi.CustomResourceOptions;
}

/**
 * Options for the children of a Gate. A provider that was given to the component is used, else one is made of
 * `kubeconfig` and `context`, else Pulumi's default provider asks the ambient kubeconfig.
 *
 * @throws ResourceError when a provider was given without `kubeconfig`: the preview would then ask another cluster
 *   than it deploys to
 */
export function childOptions(
  gate: pulumi.ComponentResource,
  name: string,
  args: GateArgs,
): Pick<Placement, "options" | "plain"> {
  const plain = { parent: gate };
  const given = gate.getProvider("kubernetes:core/v1:Namespace");
  if (given !== undefined) {
    if (args.kubeconfig === undefined)
      throw inputError(name, [
        {
          path: "kubeconfig",
          problem:
            "expected the kubeconfig of the given provider's cluster, got nothing; without it the preview would ask another cluster than it deploys to",
        },
      ]);
    return { plain, options: { ...plain, provider: given } };
  }
  if (args.kubeconfig === undefined && args.context === undefined) return { plain, options: plain };
  const provider = new Provider(
    `${name}-cluster`,
    {
      ...(args.kubeconfig === undefined ? {} : { kubeconfig: args.kubeconfig }),
      ...(args.context === undefined ? {} : { context: args.context }),
    },
    plain,
  );
  return { plain, options: { ...plain, provider } };
}
