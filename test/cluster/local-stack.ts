/**
 * The gate of `npm run cluster`: the program of `stacks`, with the local stack and the sample reports of the tour. By the
 * Pulumi CLI where there is one; else the same program, its objects applied with kubectl.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { dirname, join, relative } from "node:path";
import { root } from "../steps.ts";
import { findBinaries } from "./binaries.ts";
import type { Cluster } from "./cluster.ts";

/** The cluster to put a gate in front of: our own, or a context of the user's kubeconfig. */
export interface Target {
  readonly kubeconfig: string;
  readonly context?: string;
  readonly kubectl: Cluster["kubectl"];
}

/** A gate that is there. */
export interface Installed {
  /** What to try, as lines of a shell at the project's root. */
  readonly lines: readonly string[];
  /** Forgets how it was made; with `destroy`, takes it out of the cluster first. */
  remove(options: { destroy: boolean }): Promise<void>;
}

const samples = join(root, "packages/cli/src/tour/samples");
/** Namespaces of the sample workloads. */
export const sampleNamespaces = ["shop", "billing"] as const;

/**
 * Puts a gate in front of a cluster. In mode deny on a cluster of our own, which has no workloads that it could hit; in
 * mode audit on the user's.
 *
 * @throws when it cannot be installed; what was made until then is removed, from the user's cluster too
 */
export async function installGate(target: Target, say: (line: string) => void): Promise<Installed> {
  const mode = target.context === undefined ? "deny" : "audit";
  const settings = {
    cloud: "local",
    clusterName: target.context ?? "local",
    mode,
    kubeconfig: target.kubeconfig,
    ...(target.context === undefined ? {} : { context: target.context }),
    reports: join(samples, "reports"),
  };
  const hasPulumi = spawnSync("pulumi", ["version"], { stdio: "ignore" }).status === 0;
  say(
    hasPulumi
      ? "Installing the gate: pulumi up, with a state of its own …"
      : "Installing the gate; without the Pulumi CLI on PATH, its objects are applied with kubectl …",
  );
  const remove = hasPulumi ? await byPulumi(settings, say) : await byKubectl(settings, target);
  return { lines: [...(await pathOfKubectl()), ...whatToTry(target, mode)], remove };
}

/** How a gate is taken away. */
type Remove = Installed["remove"];
type Settings = Readonly<Record<string, string>>;

/** The real thing. Loaded when it is asked for, as the Automation API takes its time. */
async function byPulumi(settings: Settings, say: (line: string) => void): Promise<Remove> {
  const { createProject } = await import("../pulumi/project.ts");
  const project = await createProject();
  const remove: Remove = async ({ destroy }) => {
    try {
      if (destroy) await project.stack.destroy();
    } catch (error) {
      throw new Error(`the gate is still there, and what Pulumi knows of it is in ${project.folder}`, {
        cause: error,
      });
    }
    project.remove();
  };
  project.configure(settings);
  let output = "";
  try {
    await project.stack.up({ onOutput: (text) => (output += text) });
  } catch (error) {
    say(output);
    await remove({ destroy: settings["context"] !== undefined });
    throw error;
  }
  return remove;
}

async function byKubectl(settings: Settings, target: Target): Promise<Remove> {
  const [{ createStack }, { local }, { readSettings }, { buildBundle, buildObserver }] = await Promise.all([
    import("../gate/up.ts"),
    import("../../stacks/local.ts"),
    import("../../stacks/settings.ts"),
    import("@gatehouse/webhook/build"),
  ]);
  await Promise.all([buildBundle(), buildObserver()]);
  const stack = createStack(target, { name: "local", hooks: true });
  const remove: Remove = async ({ destroy }) => {
    if (destroy) await stack.destroy();
  };
  const config = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [`gatehouse:${key}`, value]),
  );
  try {
    await stack.up(() => local(readSettings(config, "local")));
  } catch (error) {
    await remove({ destroy: settings["context"] !== undefined });
    throw error;
  }
  return remove;
}

/** How the shell finds the kubectl that was built with the cluster, where it has none of its own. */
async function pathOfKubectl(): Promise<string[]> {
  const { kubectl } = await findBinaries(["kubectl"]);
  const found = spawnSync("kubectl", ["version", "--client"], { stdio: "ignore" }).status === 0;
  return found ? [] : [`export PATH=${dirname(kubectl)}:$PATH`];
}

/** Three workloads of the tour: nothing against it, refused, and let through by an exemption of `stacks/policy.ts`. */
function whatToTry({ kubeconfig, context }: Target, mode: string): string[] {
  const kubectl = context === undefined ? "kubectl" : `kubectl --context ${context}`;
  const create = (workload: string, comment: string) => {
    const file = relative(root, join(samples, "workloads", `${workload}.yaml`));
    return `${`${kubectl} create -f ${file}`.padEnd(80)} # ${comment}`;
  };
  return [
    // A cluster of our own has the namespaces already; the user's own is in their kubeconfig.
    ...(context === undefined
      ? [`export KUBECONFIG=${kubeconfig}`]
      : sampleNamespaces.map((name) => `${kubectl} create namespace ${name}`)),
    create("web", "clean: created without a word"),
    create(
      "checkout",
      mode === "deny" ? "a critical with a fix: refused" : "a critical with a fix: deny would refuse it",
    ),
    create("legacy-invoices", "the same kind of finding, exempted: created with a warning"),
  ];
}
