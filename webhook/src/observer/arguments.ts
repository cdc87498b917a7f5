import { InvalidInputError, type Problem } from "@gatehouse/policy";
import { readFlags } from "../flags.ts";
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
  const { one, many, required } = readFlags(
    {
      config: "text",
      policy: "text",
      ca: "list",
      "emergency-dir": "text",
      listen: "text",
      "metrics-listen": "text",
      dns: "list",
      ip: "list",
      instance: "text",
      "service-account": "text",
    },
    args,
    env,
    problems,
  );
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
