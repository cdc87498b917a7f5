import { spawn } from "node:child_process";
import { isAbsolute, resolve } from "node:path";
import * as z from "zod/mini";
import type { Credential } from "./config.ts";
import type { UserEntry } from "./kubeconfig-file.ts";
import { problems } from "./objects.ts";

/** The exec block of a kubeconfig's user. */
export type ExecBlock = NonNullable<NonNullable<UserEntry["user"]>["exec"]>;

/** What a plugin is run with. */
export interface ExecSurroundings {
  /** Folder of the kubeconfig; a command with a slash starts from there. */
  readonly directory: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Passed on when the block asks for it. */
  readonly cluster: object;
  /** Whether a person is there to answer. */
  readonly interactive: boolean;
}

const LIMIT_MS = 60_000;
const INTERACTIVE_LIMIT_MS = 300_000;
const OUTPUT_LIMIT = 1024 * 1024;

const outputSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.literal("ExecCredential"),
  status: z.looseObject({
    token: z.optional(z.string()),
    clientCertificateData: z.optional(z.string()),
    clientKeyData: z.optional(z.string()),
    expirationTimestamp: z.optional(z.nullable(z.iso.datetime({ offset: true }))),
  }),
});

/** The credential in a plugin's output (`client.authentication.k8s.io` ExecCredential). Errors never quote it. */
function credentialIn(output: string, apiVersion: string): Credential {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    throw new Error("its output is not JSON");
  }
  const parsed = outputSchema.safeParse(value);
  if (!parsed.success) throw new Error(`its output is no ExecCredential: ${problems(parsed.error)}`);
  const { status } = parsed.data;
  if (parsed.data.apiVersion !== apiVersion) {
    throw new Error(`its output is of ${parsed.data.apiVersion}, expected ${apiVersion}`);
  }
  const certificate = status.clientCertificateData;
  const key = status.clientKeyData;
  if ((certificate === undefined) !== (key === undefined)) {
    throw new Error("its output has one of clientCertificateData and clientKeyData, expected both or none");
  }
  if (!status.token && certificate === undefined) throw new Error("its output holds no credential");
  const ends = status.expirationTimestamp;
  return {
    token: status.token || undefined,
    certificate,
    key,
    expiresAt: ends ? Date.parse(ends) : undefined,
  };
}

function run(exec: ExecBlock, surroundings: ExecSurroundings, interactive: boolean): Promise<string> {
  const spec = {
    interactive,
    ...(exec.provideClusterInfo ? { cluster: surroundings.cluster } : {}),
  };
  const info = JSON.stringify({ apiVersion: exec.apiVersion, kind: "ExecCredential", spec });
  const own = Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value]));
  const relative = /[/\\]/.test(exec.command) && !isAbsolute(exec.command);
  const command = relative ? resolve(surroundings.directory ?? ".", exec.command) : exec.command;
  return new Promise((resolve, reject) => {
    const limit = interactive ? INTERACTIVE_LIMIT_MS : LIMIT_MS;
    const child = spawn(command, exec.args ?? [], {
      env: { ...surroundings.env, ...own, KUBERNETES_EXEC_INFO: info },
      // A person must see the plugin's questions; otherwise its words are kept for the error.
      stdio: [interactive ? "inherit" : "ignore", "pipe", interactive ? "inherit" : "pipe"],
      timeout: limit,
      killSignal: "SIGKILL",
    });
    let output = "";
    let words = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      if (output.length > OUTPUT_LIMIT) child.kill("SIGKILL");
    });
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      words = (words + chunk).slice(-2000);
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else if (signal !== null) reject(new Error(`it was ended after ${limit} ms or ${OUTPUT_LIMIT} bytes`));
      else reject(new Error(`it failed with code ${code}: ${words.trim() || "no message"}`));
    });
  });
}

/** Runs a credential plugin. The error names the plugin and, if it cannot be started, how to install it. */
export async function runExecPlugin(exec: ExecBlock, surroundings: ExecSurroundings): Promise<Credential> {
  const interactive = surroundings.interactive && exec.interactiveMode !== "Never";
  try {
    if (exec.interactiveMode === "Always" && !interactive) throw new Error("it needs a terminal to ask on");
    return credentialIn(await run(exec, surroundings, interactive), exec.apiVersion);
  } catch (cause) {
    const missing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    const hint = missing && exec.installHint ? `; ${exec.installHint.trim()}` : "";
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`credential plugin ${exec.command}: ${what}${hint}`, { cause });
  }
}
