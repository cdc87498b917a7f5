/** Options that several commands share. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import { durationMs, endOf, type Cluster, type Platform } from "@gatehouse/policy";
import { UsageError } from "./exit.ts";

/** What a judgement on this machine goes by, as the command line gives it. */
export interface JudgingOptions {
  /** A file in TypeScript, JavaScript or JSON. @default policy.ts or stacks/policy.ts of the working folder */
  policy?: string;
  scans?: string;
  /** A duration such as `24h`. @default no scan is too old */
  maxScanAge?: string;
  /** Of objects that name none. */
  namespace: string;
  namespaceLabel: Record<string, string>;
  /** Empty: all that an image is built for. */
  platform: Platform[];
  /** Facts of the cluster that are not given are unknown, which is not the same as empty. */
  clusterName?: string;
  clusterCloud?: string;
  clusterAccount?: string;
  clusterRegion?: string;
  clusterLabel: Record<string, string>;
  /** Milliseconds since 1970 to judge as of. @default now */
  now?: number;
}

/** Adds the options of {@link JudgingOptions} to a command. */
export function withJudgingOptions(command: Command): Command {
  return command
    .option(
      "--policy <file>",
      "policy: TypeScript, JavaScript or JSON (default: policy.ts or stacks/policy.ts here)",
    )
    .option("--scans <dir>", "folder of scan reports, in any format that the gate reads")
    .addOption(
      new Option("--max-scan-age <duration>", "take no scan older than this, such as 24h").argParser(
        duration,
      ),
    )
    .option("-n, --namespace <name>", "namespace of objects that name none", "default")
    .addOption(labels("--namespace-label <key=value>", "a label of the namespace; repeat for more"))
    .addOption(
      new Option("--platform <os/arch>", "a platform of the cluster; repeat for more (default: all)")
        .argParser((text: string, all: Platform[]) => [...all, platform(text)])
        .default([], "all"),
    )
    .option("--cluster-name <name>", "name of the cluster; facts not given are unknown")
    .option("--cluster-cloud <cloud>", "azure, aws or gcp")
    .option("--cluster-account <id>", "subscription, account or project")
    .option("--cluster-region <name>", "region")
    .addOption(labels("--cluster-label <key=value>", "a label of the cluster; repeat for more"))
    .addOption(
      new Option("--now <time>", "judge as of this date or instant (default: now)").argParser(instant),
    );
}

/** The cluster, as far as it was described. What was not is unknown: rules that ask for it apply, exemptions do not. */
export function clusterOf(options: JudgingOptions): Cluster {
  const { clusterName, clusterCloud, clusterAccount, clusterRegion, clusterLabel } = options;
  const known = {
    name: clusterName,
    cloud: clusterCloud,
    account: clusterAccount,
    region: clusterRegion,
    labels: Object.keys(clusterLabel).length === 0 ? undefined : clusterLabel,
  };
  // Every real cluster has a name; here alone it may be unknown, which scopes take for what it is.
  return Object.fromEntries(
    Object.entries(known).filter(([, value]) => value !== undefined),
  ) as unknown as Cluster;
}

const usualPolicies = ["policy.ts", "stacks/policy.ts", "policy.js", "policy.json"];

/** The policy that was named, else the first usual one. @throws UsageError when there is none */
export function policyFile(named: string | undefined, cwd: string): string {
  if (named !== undefined) return named;
  const found = usualPolicies.find((name) => existsSync(join(cwd, name)));
  if (found === undefined)
    throw new UsageError(
      "GH3003",
      `there is no policy here (looked for ${usualPolicies.join(", ")}); name one with --policy FILE`,
    );
  return found;
}

/** Milliseconds since 1970 of an instant, or of the beginning of a date. @throws Error when it is neither */
export function readInstant(text: string): number {
  const ms = endOf(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (ms === undefined)
    throw new Error(
      `expected a date or an instant such as 2026-11-22T10:00:00Z, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  return ms;
}

function instant(text: string): number {
  try {
    return readInstant(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function duration(text: string): string {
  if (durationMs(text) === undefined)
    throw new InvalidArgumentError("expected a whole number and m, h, d or w, such as 24h");
  return text;
}

function platform(text: string): Platform {
  if (!/^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9.]+)?$/.test(text))
    throw new InvalidArgumentError("expected os/architecture, such as linux/amd64");
  return text;
}

/** An option that takes `key=value`, several times over. */
export function labels(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((text: string, all: Record<string, string> | undefined) => {
      const equals = text.indexOf("=");
      if (equals < 1) throw new InvalidArgumentError("expected key=value");
      return { ...all, [text.slice(0, equals)]: text.slice(equals + 1) };
    })
    .default({}, "unknown");
}
