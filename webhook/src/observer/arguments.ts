import { parseArgs } from "node:util";
import { InvalidInputError, type Problem } from "@gatehouse/policy";
import { listenOf, metricsListenOf } from "../judge/arguments.ts";
import type { Listen } from "../judge/server.ts";

/** What the observer's command line and environment say. */
export interface ObserverArguments {
  config: string;
  policy: string;
  authorities: readonly string[];
  emergency: string | undefined;
  listen: Listen;
  /** Where metrics are shown. Nowhere unless it is given. */
  metricsListen: Listen | undefined;
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
  instance: string | undefined;
  /** Folder with the service account's token, CA and namespace. @default where Kubernetes mounts it */
  serviceAccount: string | undefined;
}

/**
 * Reads the command line. Every flag can also be given as `GATEHOUSE_NAME` in the environment, lists with commas.
 *
 * @throws InvalidInputError with every problem
 */
export function parseObserverArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ObserverArguments {
  const problems: Problem[] = [];
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true } as const;
  const known = {
    config: text,
    policy: text,
    ca: list,
    "emergency-dir": text,
    listen: text,
    "metrics-listen": text,
    dns: list,
    ip: list,
    instance: text,
    "service-account": text,
  } as const;
  let values: Partial<Record<keyof typeof known, string | string[]>> = {};
  try {
    ({ values } = parseArgs({ args: [...args], options: known, strict: true, allowPositionals: false }));
  } catch (error) {
    problems.push({ path: "arguments", problem: error instanceof Error ? error.message : String(error) });
  }
  const inEnv = (name: string) => env[`GATEHOUSE_${name.toUpperCase().replaceAll("-", "_")}`];
  const one = (name: keyof typeof known) => {
    const value = values[name];
    return typeof value === "string" ? value : inEnv(name);
  };
  const many = (name: keyof typeof known): string[] => {
    const value = values[name];
    return Array.isArray(value) ? value : (inEnv(name) ?? "").split(",").filter((entry) => entry !== "");
  };
  const required = (name: "config" | "policy") => {
    const value = one(name);
    if (value === undefined || value === "")
      problems.push({ path: `--${name}`, problem: "expected a path, got nothing" });
    return value ?? "";
  };
  const parsed: ObserverArguments = {
    config: required("config"),
    policy: required("policy"),
    authorities: many("ca"),
    emergency: one("emergency-dir"),
    listen: listenOf("listen", one("listen") ?? "[::]:8443", problems),
    metricsListen: metricsListenOf(one("metrics-listen"), problems),
    dnsNames: many("dns"),
    ipAddresses: many("ip"),
    instance: one("instance"),
    serviceAccount: one("service-account"),
  };
  if (problems.length > 0) throw new InvalidInputError("GH1112", "the observer's command line", problems);
  return parsed;
}
