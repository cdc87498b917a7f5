import { InvalidInputError, type Problem } from "@gatehouse/policy";
import { readFlags } from "../flags.ts";
import type { Listen } from "./server.ts";

/** What the judge's command line and environment say. */
export interface JudgeArguments {
  config: string;
  policy: string;
  authorities: readonly string[];
  secrets: string;
  emergency: string | undefined;
  listen: Listen;
  /** Where metrics are shown. Nowhere unless it is given: the port of the reviews is open to everybody. */
  metricsListen: Listen | undefined;
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
  instance: string | undefined;
  /** Where events are posted, and what proves who posts them. */
  observer: { url: string; caFile?: string; tokenFile?: string } | undefined;
  /** Whether namespaces and owners are read from the API server. */
  kubernetes: boolean;
  /** How long it fails readiness before it stops taking connections, in milliseconds. */
  unreadyMs: number | undefined;
  /**
   * The moment that every decision is made at, in milliseconds since 1970, for trying a policy out. Never with a
   * cluster, and never from the environment: a gate that lives in the past would honour what has expired.
   */
  clock: number | undefined;
}

/**
 * Reads the command line. Every flag can also be given as `GATEHOUSE_NAME` in the environment, lists with commas.
 *
 * @throws InvalidInputError with every problem
 */
export function parseArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): JudgeArguments {
  const problems: Problem[] = [];
  const { one, many, required, isOn } = readFlags(
    {
      config: "text",
      policy: "text",
      ca: "list",
      "secret-file": "text",
      "emergency-dir": "text",
      listen: "text",
      "metrics-listen": "text",
      dns: "list",
      ip: "list",
      instance: "text",
      observer: "text",
      "observer-ca": "text",
      "observer-token": "text",
      "no-kubernetes": "switch",
      "unready-ms": "text",
      clock: "text",
    },
    args,
    env,
    problems,
  );
  const observer = one("observer");
  const caFile = one("observer-ca");
  const tokenFile = one("observer-token");
  const parsed: JudgeArguments = {
    config: required("config"),
    policy: required("policy"),
    authorities: many("ca"),
    secrets: required("secret-file"),
    emergency: one("emergency-dir"),
    listen: listenOf("listen", one("listen") ?? "[::]:8443", problems),
    metricsListen: metricsListenOf(one("metrics-listen"), problems),
    dnsNames: many("dns"),
    ipAddresses: many("ip"),
    instance: one("instance"),
    observer:
      observer === undefined
        ? undefined
        : {
            url: urlOf(observer, problems),
            ...(caFile === undefined ? {} : { caFile }),
            ...(tokenFile === undefined ? {} : { tokenFile }),
          },
    kubernetes: !isOn("no-kubernetes"),
    unreadyMs: millisecondsOf(one("unready-ms"), problems),
    clock: clockOf(one("clock", "arguments"), problems),
  };
  if (parsed.clock !== undefined && parsed.kubernetes) {
    problems.push({
      path: "--clock",
      problem: "expected --no-kubernetes beside it: a gate of a cluster goes by the real time",
    });
  }
  if (problems.length > 0) throw new InvalidInputError("GH1112", "the judge's command line", problems);
  return parsed;
}

/** Reads a flag's `HOST:PORT`; an empty host is every address. */
export function listenOf(flag: string, text: string, problems: Problem[]): Listen {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    problems.push({ path: `--${flag}`, problem: `expected HOST:PORT, got ${JSON.stringify(text)}` });
    return { host: "", port: 0 };
  }
  return { host: match[1] ?? (match[2] || "::"), port };
}

/** Where to show metrics, for judge and observer; undefined for nowhere. */
export function metricsListenOf(text: string | undefined, problems: Problem[]): Listen | undefined {
  return text === undefined ? undefined : listenOf("metrics-listen", text, problems);
}

function urlOf(text: string, problems: Problem[]): string {
  if (!URL.canParse(text) || new URL(text).protocol !== "https:") {
    problems.push({ path: "--observer", problem: `expected an https URL, got ${JSON.stringify(text)}` });
  }
  return text;
}

function clockOf(text: string | undefined, problems: Problem[]): number | undefined {
  if (text === undefined) return undefined;
  const at = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  problems.push({
    path: "--clock",
    problem: `expected an instant such as 2026-11-22T10:00:00Z, got ${JSON.stringify(text)}`,
  });
  return undefined;
}

function millisecondsOf(text: string | undefined, problems: Problem[]): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  problems.push({ path: "--unready-ms", problem: `expected milliseconds, got ${JSON.stringify(text)}` });
  return undefined;
}
