import * as pulumi from "@pulumi/pulumi";
import { createKube, type Kube } from "@gatehouse/kube";
import type { GateArgs } from "../args.ts";

/** How long one question to the cluster may take, in milliseconds. */
const QUESTION_MS = 15_000;

/** A way to the cluster that a hook can ask without waiting for an Output, which may never be known. */
export interface Connection {
  /**
   * To be registered as an input of the component: unknown while the kubeconfig is, a constant word once it is
   * known. Pulumi resolves inputs before it calls a hook, so the hook need not wait for anything.
   */
  readonly marker: pulumi.Input<string>;
  /** @throws KubeError when the kubeconfig cannot be used */
  connect(): Promise<Kube>;
}

/** The connection that a Gate's arguments describe. */
export function connectionOf(args: Pick<GateArgs, "kubeconfig" | "context">): Connection {
  let kubeconfig: string | undefined;
  const remember = (text: string) => {
    kubeconfig = text;
    return "kubeconfig";
  };
  const marker =
    args.kubeconfig === undefined
      ? "ambient"
      : typeof args.kubeconfig === "string"
        ? remember(args.kubeconfig)
        : pulumi.unsecret(pulumi.output(args.kubeconfig)).apply(remember);
  return {
    marker,
    async connect() {
      // Heavy, and needed only when something changes.
      const { fromKubeconfig } = await import("@gatehouse/kube/kubeconfig");
      const given =
        kubeconfig === undefined ? {} : isText(kubeconfig) ? { text: kubeconfig } : { path: kubeconfig };
      const config = await fromKubeconfig({
        ...given,
        ...(args.context === undefined ? {} : { context: args.context }),
        interactive: false,
      });
      return createKube(config, { timeoutMs: QUESTION_MS, userAgent: "gatehouse-preview" });
    },
  };
}

/** A kubeconfig itself rather than a file's path, told apart as Pulumi's Kubernetes provider does. */
function isText(kubeconfig: string): boolean {
  return kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{");
}
