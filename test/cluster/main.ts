/**
 * `npm run cluster`: brings a cluster up with a gate in front of it, says what to try, and takes it down at Ctrl-C.
 *
 * @module
 */
import { once } from "node:events";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findBinaries } from "./binaries.ts";
import { startCluster, type Cluster } from "./cluster.ts";
import { runKubectl } from "./kubectl.ts";
import { installGate, sampleNamespaces, type Installed } from "./local-stack.ts";
import { kubernetesVersion } from "./programs.ts";
import { reportProgress } from "./progress.ts";

const usage = `npm run cluster [-- --context NAME]

  Brings up a Kubernetes control plane of its own, with nodes whose Pods are plain processes, and the gate in front of
  it, in mode deny with sample reports, until Ctrl-C.
  --context NAME  use the cluster of this context of your kubeconfig instead, in mode audit; Ctrl-C takes the gate away
`;

/** Prints what to try, and waits until there is no more interest. */
async function tryOut(head: string, lines: readonly string[], interrupted: Promise<unknown>): Promise<void> {
  console.log(`${head} In another shell, from this folder:\n`);
  console.log(`${lines.map((line) => `  ${line}`).join("\n")}\n`);
  await interrupted;
}

/** Ends at the first signal. Pulumi hears a terminal's Ctrl-C too and gives up by itself. */
function interruption(): Promise<unknown> {
  return Promise.race((["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => once(process, signal)));
}

async function ownCluster(): Promise<void> {
  const interrupted = interruption();
  const cluster = await startCluster({ onBuild: reportProgress(process.stderr) });
  let gate: Promise<Installed> | undefined;
  try {
    console.log(`Kubernetes ${await kubernetesVersion()} is up.`);
    for (const name of sampleNamespaces) await cluster.kubectl(["create", "namespace", name]);
    gate = installGate(cluster, console.log);
    const installed = await Promise.race([gate, interrupted.then(() => undefined)]);
    if (installed === undefined) return;
    await tryOut("The gate is up, in mode deny. Ctrl-C takes all of it down.", installed.lines, interrupted);
  } finally {
    await cluster.stop();
    // What was interrupted fails without its cluster, and cleans up by itself.
    const made = await gate?.catch(() => undefined);
    await made?.remove({ destroy: false });
  }
}

async function ownersCluster(context: string): Promise<void> {
  const interrupted = interruption();
  const kubeconfig = process.env["KUBECONFIG"] ?? join(homedir(), ".kube", "config");
  const binaries = await findBinaries(["kubectl"], reportProgress(process.stderr));
  const kubectl: Cluster["kubectl"] = (args, input) =>
    runKubectl(binaries.kubectl, kubeconfig, homedir(), ["--context", context, ...args], input);
  const result = await kubectl(["get", "--raw", "/version"]);
  if (result.code !== 0) {
    throw new Error(`context ${context} of ${kubeconfig} does not answer:\n${result.stderr.trim()}`);
  }
  const gate = await installGate({ kubeconfig, context, kubectl }, console.log);
  try {
    const head = `The gate is up in front of ${context}, in mode audit. Ctrl-C takes it away.`;
    await tryOut(head, gate.lines, interrupted);
  } finally {
    console.log("Taking the gate away …");
    await gate.remove({ destroy: true });
  }
}

const { values } = parseArgs({ options: { context: { type: "string" }, help: { type: "boolean" } } });
try {
  if (values.help === true) console.log(usage);
  else if (values.context === undefined) await ownCluster();
  else await ownersCluster(values.context);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
