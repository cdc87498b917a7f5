/**
 * `npm run cluster`: brings a cluster up, says what to try, and takes it down at Ctrl-C.
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
import { kubernetesVersion } from "./programs.ts";
import { reportProgress } from "./progress.ts";

const usage = `npm run cluster [-- --context NAME]

  Brings up a Kubernetes control plane of its own, with nodes whose Pods are plain processes, until Ctrl-C.
  --context NAME  use the cluster of this context of your kubeconfig instead, and leave it running
`;

/** The cluster that the local stack is to be brought up on: our own, or a context of the user's kubeconfig. */
interface Target {
  readonly kubeconfig: string;
  readonly context?: string;
  /** Ours only. */
  readonly cluster?: Cluster;
}

/** Called once the cluster answers. What it returns is printed as things to try. */
async function afterUp({ kubeconfig, context }: Target): Promise<string[]> {
  const flag = context === undefined ? "" : ` --context ${context}`;
  return [`export KUBECONFIG=${kubeconfig}`, `kubectl${flag} get nodes`, `kubectl${flag} get pods -A`];
}

async function ownCluster(): Promise<void> {
  const cluster = await startCluster({ onBuild: reportProgress(process.stderr) });
  const interrupted = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  try {
    const lines = await afterUp({ kubeconfig: cluster.kubeconfig, cluster });
    console.log(`Kubernetes ${await kubernetesVersion()} is up. In another shell:\n`);
    console.log(
      `${lines.map((line) => `  ${line}`).join("\n")}\n\nCtrl-C takes it down and removes all of it.`,
    );
    await interrupted;
  } finally {
    await cluster.stop();
  }
}

async function ownersCluster(context: string): Promise<void> {
  const kubeconfig = process.env["KUBECONFIG"] ?? join(homedir(), ".kube", "config");
  const { kubectl } = await findBinaries(["kubectl"], reportProgress(process.stderr));
  const result = await runKubectl(kubectl, kubeconfig, homedir(), [
    "--context",
    context,
    "get",
    "--raw",
    "/version",
  ]);
  if (result.code !== 0) {
    throw new Error(`context ${context} of ${kubeconfig} does not answer:\n${result.stderr.trim()}`);
  }
  const lines = await afterUp({ kubeconfig, context });
  console.log(`Context ${context} answers. To try:\n\n${lines.map((line) => `  ${line}`).join("\n")}`);
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
