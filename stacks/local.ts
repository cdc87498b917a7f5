import { Gate, filesDirectory } from "@gatehouse/gate";
import { readReports } from "./reports.ts";
import type { Settings } from "./settings.ts";
import policy from "./policy.ts";

/** The folder's name inside the gate. */
const folder = "reports";

/**
 * A gate for any cluster of a kubeconfig, with scan reports from a folder: to try it on kind or k3d, or where a
 * pipeline writes the reports.
 */
export function local(settings: Settings): Gate {
  const reports =
    settings.reports === undefined ? undefined : readReports(settings.reports, import.meta.dirname);
  return new Gate("gate", {
    policy,
    mode: settings.mode,
    cluster: {
      name: settings.clusterName,
      ...(settings.labels === undefined ? {} : { labels: settings.labels }),
    },
    ...(reports === undefined
      ? {}
      : {
          files: { [folder]: reports },
          sources: [{ name: folder, type: "file" as const, directory: filesDirectory(folder) }],
        }),
    preview: {
      requireImpact: settings.requireImpact,
      ...(settings.report === undefined ? {} : { report: settings.report }),
    },
    ...optional(settings, [
      "kubeconfig",
      "context",
      "replicas",
      "excludedNamespaces",
      "caGenerations",
      "acknowledged",
    ]),
  });
}

/** The named settings that are there. */
function optional<Key extends keyof Settings>(
  settings: Settings,
  keys: readonly Key[],
): { [One in Key]?: Exclude<Settings[One], undefined> } {
  return Object.fromEntries(
    keys.filter((key) => settings[key] !== undefined).map((key) => [key, settings[key]]),
  ) as { [One in Key]?: Exclude<Settings[One], undefined> };
}
