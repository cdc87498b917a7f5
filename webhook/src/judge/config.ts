/** Everything judge and observer read at their start, checked whole: one error lists all that is wrong. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  gateConfigSchema,
  InvalidInputError,
  parsePolicy,
  policyHash,
  problemsOf,
  type Cluster,
  type GateConfig,
  type Policy,
  type Problem,
} from "@gatehouse/policy";
import { readAuthority, type Authority } from "../tls/certificate.ts";
import { shortestSecret } from "./secrets.ts";

/** Where things are. */
export interface JudgePaths {
  /** `config.json`: a GateConfig. */
  config: string;
  /** `policy.json`: the canonical policy that the config names by hash. */
  policy: string;
  /** Folders with `tls.crt` and `tls.key`, one for each generation of the authority. The first signs. */
  authorities: readonly string[];
  /** Secrets of the paths, one a line; any is taken. The observer has none. */
  secrets?: string;
}

/** What a judge starts from. */
export interface JudgeStart {
  config: Omit<GateConfig, "cluster"> & { cluster: Cluster };
  policy: Policy;
  /** All generations; the first signs. Never empty. */
  authorities: readonly [Authority, ...Authority[]];
  secrets: readonly string[];
}

/**
 * Reads and checks all of it, and prepares what the configuration asks for (its sources), so that what is wrong there
 * stands in the same error.
 *
 * @throws InvalidInputError with every problem of every file
 */
export async function readStart<T>(
  paths: JudgePaths,
  prepare: (config: GateConfig) => Promise<T>,
): Promise<JudgeStart & { prepared: T }> {
  const problems: Problem[] = [];
  const [configFile, policyFile, secretFile, ...folders] = await Promise.all([
    read(paths.config),
    read(paths.policy),
    paths.secrets === undefined ? undefined : read(paths.secrets),
    ...paths.authorities.map(readFolder),
  ]);
  const configText = textOf(configFile, problems);
  const policyText = textOf(policyFile, problems);
  const secretText = secretFile && textOf(secretFile, problems);
  const config = configOf(paths.config, configText, problems);
  const prepared =
    config === undefined ? undefined : await prepareSafely(paths.config, config, prepare, problems);
  const policy = policyOf(paths.policy, policyText, config?.policyHash, problems);
  const secrets = paths.secrets === undefined ? [] : secretsOf(paths.secrets, secretText, problems);
  const authorities = folders
    .map((folder) => authorityOf(folder, problems))
    .filter((authority) => authority !== undefined);
  const [first, ...others] = authorities;
  if (paths.authorities.length === 0) {
    problems.push({ path: "--ca", problem: "expected at least one folder with tls.crt and tls.key" });
  }
  if (
    problems.length > 0 ||
    config === undefined ||
    policy === undefined ||
    first === undefined ||
    prepared === undefined
  ) {
    throw new InvalidInputError(
      "GH1112",
      paths.secrets === undefined ? "the observer's configuration" : "the judge's configuration",
      problems,
    );
  }
  return {
    config: config as JudgeStart["config"],
    policy,
    authorities: [first, ...others],
    secrets,
    prepared: prepared.value,
  };
}

async function prepareSafely<T>(
  path: string,
  config: GateConfig,
  prepare: (config: GateConfig) => Promise<T>,
  problems: Problem[],
): Promise<{ value: T } | undefined> {
  try {
    return { value: await prepare(config) };
  } catch (error) {
    problems.push(
      ...messageOf(error)
        .split("\n")
        .map((problem) => ({ path, problem })),
    );
    return undefined;
  }
}

/** A file's text, or what is wrong with it: told later, since files are read in no order. */
type ReadText = { text: string } | Problem;

async function read(path: string): Promise<ReadText> {
  try {
    return { text: await readFile(path, "utf8") };
  } catch (error) {
    return { path, problem: `cannot be read: ${messageOf(error)}` };
  }
}

function textOf(file: ReadText, problems: Problem[]): string | undefined {
  if ("text" in file) return file.text;
  problems.push(file);
  return undefined;
}

function json(path: string, content: string | undefined, problems: Problem[]): unknown {
  if (content === undefined) return undefined;
  try {
    return JSON.parse(content);
  } catch (error) {
    problems.push({ path, problem: `expected JSON: ${messageOf(error)}` });
    return undefined;
  }
}

function configOf(path: string, content: string | undefined, problems: Problem[]): GateConfig | undefined {
  const value = json(path, content, problems);
  if (value === undefined) return undefined;
  const parsed = gateConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  problems.push(...within(path, problemsOf(parsed.error, value)));
  return undefined;
}

function policyOf(
  path: string,
  content: string | undefined,
  hash: string | undefined,
  problems: Problem[],
): Policy | undefined {
  const value = json(path, content, problems);
  if (value === undefined) return undefined;
  const parsed = parsePolicy(value);
  if (!parsed.ok) {
    problems.push(...within(path, parsed.problems));
    return undefined;
  }
  const own = policyHash(parsed.policy);
  if (hash !== undefined && own !== hash) {
    problems.push({
      path,
      problem: `expected the policy with the hash ${hash} that the configuration names, got ${own}`,
    });
    return undefined;
  }
  return parsed.policy;
}

function within(file: string, problems: readonly Problem[]): Problem[] {
  return problems.map(({ path, problem }) => ({ path: path === "" ? file : `${file}: ${path}`, problem }));
}

function secretsOf(path: string, content: string | undefined, problems: Problem[]): string[] {
  if (content === undefined) return [];
  const secrets = content
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (secrets.length === 0) problems.push({ path, problem: "expected at least one secret, got none" });
  for (const [index, secret] of secrets.entries()) {
    if (secret.length < shortestSecret || !/^[A-Za-z0-9_-]+$/.test(secret)) {
      problems.push({
        path: `${path}: line ${index + 1}`,
        problem: `expected at least ${shortestSecret} letters, digits, "-" and "_"`,
      });
    }
  }
  return secrets;
}

interface AuthorityFiles {
  folder: string;
  certificate: ReadText;
  key: ReadText;
}

async function readFolder(folder: string): Promise<AuthorityFiles> {
  const [certificate, key] = await Promise.all([
    read(join(folder, "tls.crt")),
    read(join(folder, "tls.key")),
  ]);
  return { folder, certificate, key };
}

function authorityOf({ folder, ...files }: AuthorityFiles, problems: Problem[]): Authority | undefined {
  const certificate = textOf(files.certificate, problems);
  const key = textOf(files.key, problems);
  if (certificate === undefined || key === undefined) return undefined;
  try {
    return readAuthority({ certificate, key });
  } catch (error) {
    problems.push({
      path: folder,
      problem: `expected an authority's certificate and key: ${messageOf(error)}`,
    });
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
