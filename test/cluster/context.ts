/**
 * A cluster that the user has, by a context of their kubeconfig. Read only: what is written lies in a folder of its own.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { findBinaries } from "./binaries.ts";
import type { BuildProgress } from "./go-build.ts";
import { runKubectl } from "./kubectl.ts";
import type { Target } from "./local-stack.ts";

/** A context to put a gate in front of. */
export interface OpenContext extends Target {
  readonly context: string;
  /** Removes what was written for it on this machine. */
  close(): void;
}

/**
 * Opens a context of the user's kubeconfig, which may be several files.
 *
 * @throws when there is no such context, when its cluster does not answer, and when it has a gate already, which would
 * be taken away together with ours
 */
export async function openContext(
  context: string,
  onBuild: (progress: BuildProgress) => void,
): Promise<OpenContext> {
  const { kubectl: program } = await findBinaries(["kubectl"], onBuild);
  const theirs = process.env["KUBECONFIG"] ?? join(homedir(), ".kube", "config");
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-context-"));
  const close = () => rmSync(folder, { recursive: true, force: true });
  const places = { home: homedir(), cache: join(folder, "cache") };
  const ask = async (kubeconfig: string, args: readonly string[], what: string): Promise<string> => {
    const { code, stdout, stderr } = await runKubectl(program, { ...places, kubeconfig }, args);
    if (code !== 0) throw new Error(`${what}:\n${stderr.trim()}`);
    return stdout;
  };
  try {
    const names = (await ask(theirs, ["config", "get-contexts", "-o", "name"], `${theirs} cannot be read`))
      .split("\n")
      .filter(Boolean);
    if (!names.includes(context)) {
      const known = names.length === 0 ? "there is none" : `there are ${names.join(", ")}`;
      throw new Error(`expected --context to name a context of ${theirs}, got ${context}; ${known}`);
    }
    // One file with nothing but this context, for those who read no list of files.
    const view = ["config", "view", "--raw", "--flatten", "--minify", "--context", context];
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, await ask(theirs, view, `${theirs} cannot be read`), { mode: 0o600 });
    await ask(kubeconfig, ["get", "--raw", "/version"], `the cluster of context ${context} does not answer`);
    await refuseSecond(context, (args) => ask(kubeconfig, args, `context ${context}`));
    return {
      context,
      kubeconfig,
      kubectl: (args, input) => runKubectl(program, { ...places, kubeconfig }, args, input),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

async function refuseSecond(
  context: string,
  ask: (args: readonly string[]) => Promise<string>,
): Promise<void> {
  const ours = [
    "namespace/gatehouse",
    "validatingwebhookconfiguration/gatehouse",
    "mutatingwebhookconfiguration/gatehouse-pin",
  ];
  const found = await ask(["get", "--ignore-not-found", "-o", "name", ...ours]);
  if (found.trim() === "") return;
  throw new Error(
    `the cluster of context ${context} has a gate already (${found.trim().split("\n").join(", ")}), which would be taken ` +
      "away together with this one: try it as it is, or remove it first",
  );
}
