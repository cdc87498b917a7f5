import { Gate } from "@gatehouse/gate";
import { gateArgs, optional } from "./gate-args.ts";
import type { Settings } from "./settings.ts";

/**
 * A gate for any cluster of a kubeconfig, with scan reports from a folder: to try it on kind or k3d, or where a
 * pipeline writes the reports.
 */
export function local(settings: Settings): Gate {
  return new Gate("gate", {
    ...gateArgs(settings),
    cluster: { name: settings.clusterName, ...optional(settings, ["labels"]) },
    ...optional(settings, ["kubeconfig", "context"]),
  });
}
