/** Break-glass: exemptions of at most a day, from a ConfigMap that is mounted as a folder and read again and again. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { endOf, parsePolicy, type Exemption, type Policy } from "@gatehouse/policy";
import type { Log } from "./log.ts";

/** Longest that an emergency exemption may last from the moment it is read, in milliseconds. */
const longestMs = 24 * 60 * 60_000;
/** Names and sizes that a ConfigMap may have; more is not read. */
const mostEntries = 100;
const largestEntry = 64 * 1024;
/** Marks them among the policy's own exemptions, whose names hold no slash. */
export const emergencyPrefix = "emergency/";

/** What a reading of the folder gave. */
export interface Emergencies {
  exemptions: Readonly<Record<string, Exemption>>;
  /** One line for each entry that is ignored, with its name. */
  problems: readonly string[];
}

/**
 * Reads the entries of a ConfigMap: each key names an exemption, its value is the exemption as JSON, in the policy's
 * own form. It must end, and within 24 hours.
 */
export function parseEmergencies(
  entries: Readonly<Record<string, string>>,
  policy: Policy,
  now: number,
): Emergencies {
  const exemptions: Record<string, Exemption> = {};
  const problems: string[] = [];
  for (const [key, text] of Object.entries(entries)) {
    const name = key.replace(/\.json$/, "");
    const read = parseOne(name, text, policy, now);
    if (typeof read === "string") problems.push(`${key}: ${read}`);
    else exemptions[`${emergencyPrefix}${name}`] = read;
  }
  return { exemptions, problems };
}

function parseOne(name: string, text: string, policy: Policy, now: number): Exemption | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "expected an exemption as JSON";
  }
  // Against the policy's own rules, so that a misspelt rule name is found here too.
  const parsed = parsePolicy({ ...policy, exemptions: { [name]: value }, vex: [] });
  if (!parsed.ok) return parsed.problems.map(({ path, problem }) => `${path}: ${problem}`).join("; ");
  const exemption = parsed.policy.exemptions[name];
  if (exemption?.until === undefined) return "expected `until`: an emergency exemption must end";
  const until = endOf(exemption.until);
  if (until === undefined)
    return `until: expected a date or an instant, got ${JSON.stringify(exemption.until)}`;
  if (until > now + longestMs) return `until: expected at most 24 hours from now, got ${exemption.until}`;
  return exemption;
}

/** The policy of the moment, for whoever judges: what is in the folder counts without a restart. */
export interface EmergencyStore {
  /** The policy with the emergency exemptions of the last reading in it; the same object until they change. */
  policy(): Policy;
  /** Reads the folder. Never rejects: what cannot be read leaves no exemption. */
  refresh(): Promise<void>;
}

/** A store over a folder; without one, the policy stays as it is. */
export function createEmergencyStore(options: {
  directory: string | undefined;
  policy: Policy;
  now: () => number;
  log: Log;
  /** Told of every reading. */
  report: (exemptions: number, problems: number) => void;
  /** Told of every change. */
  changed?: (now: Emergencies) => void;
}): EmergencyStore {
  const { directory, now } = options;
  let merged = options.policy;
  let said = JSON.stringify([{}, []]);

  async function refresh(): Promise<void> {
    if (directory === undefined) return;
    const { entries, problems: unreadable } = await readEntries(directory);
    const read = parseEmergencies(entries, options.policy, now());
    const problems = [...unreadable, ...read.problems];
    options.report(Object.keys(read.exemptions).length, problems.length);
    const state = JSON.stringify([read.exemptions, problems]);
    if (state === said) return;
    said = state;
    merged =
      Object.keys(read.exemptions).length === 0
        ? options.policy
        : { ...options.policy, exemptions: { ...options.policy.exemptions, ...read.exemptions } };
    options.changed?.({ exemptions: read.exemptions, problems });
    for (const problem of problems)
      options.log("error", "an emergency exemption is ignored", { code: "GH1101", problem });
    options.log("warn", "emergency exemptions changed", { exemptions: Object.keys(read.exemptions) });
  }

  return { policy: () => merged, refresh };
}

async function readEntries(
  directory: string,
): Promise<{ entries: Record<string, string>; problems: string[] }> {
  const entries: Record<string, string> = {};
  const problems: string[] = [];
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    // An optional volume without its ConfigMap is an empty folder; no folder at all is the usual state outside a Pod.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { entries, problems };
    return { entries, problems: [`the folder cannot be read: ${String(error)}`] };
  }
  // Mounted ConfigMaps keep their generations under names that begin with two dots.
  const keys = names.filter((name) => !name.startsWith("..")).sort();
  for (const key of keys.slice(0, mostEntries)) {
    try {
      const text = await readFile(join(directory, key), "utf8");
      if (text.length > largestEntry) problems.push(`${key}: larger than ${largestEntry} characters`);
      else entries[key] = text;
    } catch (error) {
      problems.push(`${key}: cannot be read: ${String(error)}`);
    }
  }
  if (keys.length > mostEntries)
    problems.push(`${keys.length - mostEntries} entries beyond ${mostEntries} are not read`);
  return { entries, problems };
}
