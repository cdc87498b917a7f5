/**
 * `npm run cluster`: brings a cluster up with a gate in front of it, says what to try, and takes it down at Ctrl-C.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { startCluster } from "./cluster.ts";
import { openContext } from "./context.ts";
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
  // Signals that are waited for keep no process alive.
  const alive = setInterval(() => undefined, 60_000);
  await interrupted;
  clearInterval(alive);
}

/**
 * Resolves at the first signal; later ones change nothing, since a terminal's Ctrl-C comes twice: from the terminal and
 * from npm, which passes it on. Pulumi hears it too and gives up by itself.
 */
function interruption(): Promise<"interrupted"> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => resolve("interrupted"));
  });
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

async function ownersCluster(name: string): Promise<void> {
  const interrupted = interruption();
  void interrupted.then(() => console.log("Taking the gate away …"));
  const context = await openContext(name, reportProgress(process.stderr));
  try {
    // What is half installed is removed when it is whole, or has failed.
    const gate = await installGate(context, console.log);
    try {
      const head = `The gate is up in front of ${name}, in mode audit. Ctrl-C takes it away.`;
      await tryOut(head, gate.lines, interrupted);
    } finally {
      await gate.remove({ destroy: true });
    }
    const namespaces = sampleNamespaces.join(" ");
    console.log(`The gate is gone. What you have created stays: kubectl delete namespace ${namespaces}`);
  } finally {
    context.close();
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
