import { filesDirectory, type GateArgs } from "@gatehouse/gate";
import { readFeed } from "./feed.ts";
import policy from "./policy.ts";
import type { Registries } from "./registries.ts";
import { readReports } from "./reports.ts";
import { readRunning } from "./running.ts";
import type { Settings } from "./settings.ts";

/** The folder's name inside the gate. */
const folder = "reports";

/** Settings that a Gate takes as they are. */
const operation = ["resources", "observerResources", "metricsFrom", "eventSink", "clusterState"] as const;

/** What a gate is told in any cluster: the rules, the settings, and where its reports come from. */
export function gateArgs(
  settings: Settings,
  registries: Registries = { sources: [], tokenAudiences: {} },
): Omit<GateArgs, "cluster"> {
  const reports =
    settings.reports === undefined ? undefined : readReports(settings.reports, import.meta.dirname);
  const feed =
    settings.exploitFeed === undefined ? undefined : readFeed(settings.exploitFeed, import.meta.dirname);
  const files = { ...feed?.files, ...(reports === undefined ? {} : { [folder]: reports }) };
  const file = { name: folder, type: "file" as const, directory: filesDirectory(folder) };
  const sources = reports === undefined ? registries.sources : [...registries.sources, file];
  return {
    policy,
    mode: settings.mode,
    ...(Object.keys(files).length === 0 ? {} : { files }),
    ...(feed === undefined ? {} : { exploitFeed: feed.exploitFeed }),
    ...(sources.length === 0 ? {} : { sources }),
    tokenAudiences: registries.tokenAudiences,
    ...(settings.running === undefined
      ? {}
      : { running: readRunning(settings.running, import.meta.dirname) }),
    preview: {
      requireImpact: settings.requireImpact,
      ...(settings.report === undefined ? {} : { report: settings.report }),
    },
    ...(optional(settings, ["image", ...operation]) as Pick<GateArgs, "image" | (typeof operation)[number]>),
    ...optional(settings, ["replicas", "excludedNamespaces", "caGenerations", "acknowledged"]),
  };
}

/** The named settings that are there. */
export function optional<Key extends keyof Settings>(
  settings: Settings,
  keys: readonly Key[],
): { [One in Key]?: Exclude<Settings[One], undefined> } {
  return Object.fromEntries(
    keys.filter((key) => settings[key] !== undefined).map((key) => [key, settings[key]]),
  ) as { [One in Key]?: Exclude<Settings[One], undefined> };
}
