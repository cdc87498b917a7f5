/**
 * A real Kubernetes control plane without containers, for tests and for trying Gatehouse out.
 *
 * @module
 * @example
 * ```ts
 * const cluster = await startCluster({ nodes: [{}, {}] });
 * try {
 *   await cluster.kubectl(["apply", "-f", "deployment.yaml"]);
 * } finally {
 *   await cluster.stop();
 * }
 * ```
 */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAuditLog, type AuditEvent } from "./audit.ts";
import { findBinaries } from "./binaries.ts";
import type { Credentials } from "./control-plane.ts";
import { createDigests } from "./digests.ts";
import { forward, type Forwarder } from "./forward.ts";
import type { BuildProgress } from "./go-build.ts";
import { apiServerAddress, apiServerPort } from "./addresses.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { runKubectl, type KubectlResult } from "./kubectl.ts";
import { startNamespace } from "./namespace.ts";
import type { Cut } from "./network.ts";
import { distrolessNode, type ImageCommand, type NodeSpec, type RunnerTimes } from "./options.ts";
import { controlPlanePrograms } from "./programs.ts";
import type { ContainerName, ExtraProgram } from "./supervisor-methods.ts";

export interface ClusterOptions {
  /** @default three nodes of this machine's architecture */
  readonly nodes?: readonly NodeSpec[];
  /** How images are run, before the built-in entries for distroless Node images. Others run no process. */
  readonly commands?: readonly ImageCommand[];
  /** The digest that an image reference without one stands for when its container starts. @default a hash of its text */
  readonly resolveImage?: (reference: string) => Promise<string> | string;
  /** Further flags of the API server. */
  readonly apiServerArgs?: readonly string[];
  /** @default a back-off from 1 s, volumes read again every 10 s, deaths noticed at once */
  readonly times?: Partial<RunnerTimes>;
  /** Told while programs are built, which takes minutes the first time. */
  readonly onBuild?: (progress: BuildProgress) => void;
  /** Told what was not asked for, such as a program that died. @default a line on standard error */
  readonly onNotice?: (message: string) => void;
}

/** Something outside of the cluster that Pods reach under an address of the cluster's network. */
export interface Published {
  /** Address in the cluster's network, of `10.200.0.0/16` but not `10.200.0.1`. */
  readonly host: string;
  readonly port: number;
  /** Name under which Pods find it. */
  readonly name?: string;
  /** The port on this machine's 127.0.0.1 that answers. */
  readonly target: number;
}

/** A running cluster. */
export interface Cluster {
  /** Path of a kubeconfig for a member of system:masters. */
  readonly kubeconfig: string;
  /** The same credentials, as PEM; `server` is a port of 127.0.0.1. */
  readonly admin: Credentials;
  /** Where logs, the audit log and the Pods' files lie until `stop`. */
  readonly folder: string;
  /** Runs kubectl against the cluster. Rejects on no exit code: look at `code`. */
  kubectl(args: readonly string[], input?: string): Promise<KubectlResult>;
  /** All events of the API server's audit log so far. */
  auditLog(): Promise<AuditEvent[]>;
  /** What a container has written; with `previous`, before its last restart. */
  logs(container: ContainerName & { readonly previous?: boolean }): Promise<string>;
  /** What `etcd`, `kube-apiserver`, `kube-controller-manager` or a program of `run` has written. */
  programLog(name: string): Promise<string>;
  /** Sends a signal to a container's first process; its grace, back-off and probes go on as ever. */
  signal(container: ContainerName, signal: NodeJS.Signals): Promise<void>;
  /** Stops the control plane's programs in order, each within 3 s, and starts them on the same data. Pods run on. */
  restartControlPlane(): Promise<void>;
  /** Ends everything with SIGKILL, control plane, nodes and Pods, as a power cut does. */
  killAll(): Promise<void>;
  /** After `killAll`: starts the control plane and the nodes; the Pods of its data are started again. */
  powerOn(): Promise<void>;
  /** Loses packets from now on. */
  cut(cut: Cut): Promise<void>;
  /** Ends what `cut` began with the same argument. */
  heal(cut: Cut): Promise<void>;
  /** Opens a port of 127.0.0.1 that leads to an address inside, such as a Service's or a Pod's. Returns the port. */
  forward(host: string, port: number): Promise<number>;
  /** The path of a Unix socket that leads there: for other processes, which do not wait for this one then. */
  socketTo(host: string, port: number): Promise<string>;
  /** Lets Pods and the API server reach a server of this machine. */
  publish(published: Published): Promise<void>;
  /** Takes back what `publish` gave; the address answers with a refusal then. */
  unpublish(published: Pick<Published, "host" | "port">): Promise<void>;
  /** Gives an address a name in the cluster's DNS. */
  setHostName(name: string, address: string): Promise<void>;
  /** Starts a program in the cluster's network, outside of any Pod, such as a registry. */
  run(program: ExtraProgram): Promise<void>;
  /** Ends a program of `run`: SIGTERM, then SIGKILL after the grace; 0 is SIGKILL at once. */
  stopProgram(name: string, graceMilliseconds?: number): Promise<void>;
  /** Ends the cluster and removes all it had. Safe to call twice. */
  stop(): Promise<void>;
}

const defaultTimes: RunnerTimes = { backOffSeconds: 1, volumeRefreshSeconds: 10, relistSeconds: 0 };

/**
 * Starts a cluster and resolves when its API server is ready and its nodes are registered.
 * @throws when a program is missing and cannot be built, when the kernel refuses user namespaces, or when the control
 * plane does not come up; nothing is left behind then.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const binaries = await findBinaries([...controlPlanePrograms, "kubectl"], options.onBuild);
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-cluster-"));
  const onNotice = options.onNotice ?? ((message) => process.stderr.write(`${message}\n`));
  const namespace = startNamespace({
    notice: async (message) => onNotice(message),
    resolveImage: createDigests(options.resolveImage),
  });
  const { call } = namespace;
  const forwarders = new Map<string, Forwarder>();
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  process.once("exit", removeFolder);

  let stopping = false;
  async function tellUnexpectedEnd(): Promise<void> {
    await namespace.ended;
    if (!stopping) onNotice("the cluster's supervisor has ended unexpectedly: see its last words above");
  }
  void tellUnexpectedEnd();

  async function stop(): Promise<void> {
    stopping = true;
    await Promise.all([...forwarders.values()].map((forwarder) => forwarder.close()));
    forwarders.clear();
    await namespace.end();
    process.removeListener("exit", removeFolder);
    removeFolder();
  }

  let sockets = 0;
  const socketPath = () => join(folder, `${sockets++}.sock`);

  async function socketTo(host: string, port: number): Promise<string> {
    const path = socketPath();
    await call("forward", { path, host, port });
    return path;
  }

  async function forwardOut(host: string, port: number): Promise<number> {
    const path = await socketTo(host, port);
    const forwarder = await forward({ host: "127.0.0.1", port: 0 }, () => ({ path }));
    forwarders.set(path, forwarder);
    return forwarder.port;
  }

  try {
    const { admin } = await call("boot", {
      folder,
      binaries,
      apiServerArgs: options.apiServerArgs ?? [],
      nodes: options.nodes ?? [{}, {}, {}],
      commands: [...(options.commands ?? []), ...distrolessNode()],
      times: { ...defaultTimes, ...options.times },
    });
    await call("startControlPlane", null);
    await call("startNodes", null);
    const port = await forwardOut(apiServerAddress, apiServerPort);
    const credentials = { ...admin, server: `https://127.0.0.1:${port}` };
    const kubeconfigFile = join(folder, "kubeconfig");
    await writeFile(kubeconfigFile, kubeconfig(credentials), { mode: 0o600 });
    const places = { kubeconfig: kubeconfigFile, home: folder, cache: join(folder, "kubectl-cache") };

    return {
      kubeconfig: kubeconfigFile,
      admin: credentials,
      folder,
      kubectl: (args, input) => runKubectl(binaries.kubectl, places, args, input),
      auditLog: () => readAuditLog(join(folder, "logs", "audit.log")),
      logs: async (container) => readFile(await call("logFile", container), "utf8"),
      programLog: (name) => readFile(join(folder, "logs", `${name}.log`), "utf8"),
      signal: (container, signal) => call("signal", { ...container, signal }),
      restartControlPlane: async () => {
        await call("stopControlPlane", { graceMilliseconds: 3000 });
        await call("startControlPlane", null);
      },
      killAll: async () => {
        await Promise.all([call("stopControlPlane", { graceMilliseconds: 0 }), call("killNodes", null)]);
      },
      powerOn: async () => {
        await call("startControlPlane", null);
        await call("startNodes", null);
      },
      cut: (cut) => call("cut", cut),
      heal: (cut) => call("heal", cut),
      forward: forwardOut,
      socketTo,
      publish: async ({ host, port, name, target }) => {
        const path = socketPath();
        forwarders.set(
          `${host}:${port}`,
          await forward({ path }, () => ({ host: "127.0.0.1", port: target })),
        );
        await call("publish", { path, host, port });
        if (name !== undefined) await call("setHostName", { name, address: host });
      },
      unpublish: async ({ host, port }) => {
        await call("unpublish", { host, port });
        await forwarders.get(`${host}:${port}`)?.close();
        forwarders.delete(`${host}:${port}`);
      },
      setHostName: (name, address) => call("setHostName", { name, address }),
      run: (program) => call("runProgram", program),
      stopProgram: (name, graceMilliseconds = 5000) => call("stopProgram", { name, graceMilliseconds }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
