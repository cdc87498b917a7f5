/**
 * The Pod runner: stands for the scheduler, for the kubelets of all nodes and for kube-proxy.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Node, Pod, Service } from "kubernetes-types/core/v1.d.ts";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.d.ts";
import type { ApiClient } from "../api.ts";
import { dnsAddress, nodeAddress } from "../addresses.ts";
import type { KeyPair } from "../certificates.ts";
import type { Dns } from "../dns.ts";
import type { Network } from "../network.ts";
import type { ImageCommand, NodeSpec, RunnerTimes } from "../options.ts";
import { reflect, type Reflector } from "../reflector.ts";
import type { ContainerName } from "../supervisor-methods.ts";
import { createAddresses } from "./pod-addresses.ts";
import { startKubelets } from "./kubelet.ts";
import { nodeName, registerNode, renewLease } from "./nodes.ts";
import { runPod, type PodWorker } from "./pod.ts";
import { findTools } from "./root.ts";
import { createScheduler } from "./scheduler.ts";
import { createServiceProxy } from "./services.ts";
import { nameOf, uidOf } from "./types.ts";

export interface RunnerOptions {
  readonly api: ApiClient;
  readonly network: Network;
  readonly dns: Dns;
  /** Folder for the Pods' files. */
  readonly folder: string;
  readonly nodes: readonly NodeSpec[];
  readonly commands: readonly ImageCommand[];
  readonly times: RunnerTimes;
  /** The kubelets' serving certificate. */
  readonly kubelet: KeyPair;
  /** PEM of the CA whose clients the kubelets answer. */
  readonly clusterCa: string;
  readonly resolveImage: (reference: string) => Promise<string>;
  readonly notice: (message: string) => void;
}

export interface Runner {
  /** Registers the nodes and runs their Pods from now on. */
  start(): Promise<void>;
  /** Ends all Pods' processes with SIGKILL and forgets them, as when the nodes lose their power. */
  kill(): Promise<void>;
  signal(options: ContainerName & { readonly signal: NodeJS.Signals }): Promise<void>;
  /** Path of the file with what a container has written; for a Pod that is gone, that of its last. */
  logFile(options: ContainerName & { readonly previous?: boolean }): Promise<string>;
}

interface Session {
  readonly stop: () => Promise<void>;
}

/** Describes a runner; nothing happens before `start`. */
export function createRunner(options: RunnerOptions): Runner {
  const { api, network, dns, notice } = options;
  const addresses = createAddresses();
  const workers = new Map<string, PodWorker>();
  /** The newest worker of each namespace/name, kept after its end for its logs. */
  const byName = new Map<string, PodWorker>();
  const hostIps = new Map(options.nodes.map((spec, index) => [nodeName(spec, index), nodeAddress(index)]));
  let session: Session | undefined;
  let kubelets: Promise<void> | undefined;

  async function open(): Promise<Session> {
    const tools = await findTools();
    kubelets ??= startKubelets(network, [...hostIps.values()], options.kubelet, options.clusterCa, workerOf);
    await kubelets;
    const ending = new AbortController();
    const { signal } = ending;
    const context = { ...options, tools };
    const proxy = createServiceProxy(network, dns, notice);

    await Promise.all(
      options.nodes.map((spec, index) => untilDone(() => registerNode(api, spec, index), signal)),
    );
    await untilDone(() => reserveDnsService(api), signal);
    const leases = [...hostIps.keys()].map((name) => renewLeases(api, name, signal));

    const nodes = reflect<Node>(api, "/api/v1/nodes", () => scheduler.wake(), signal);
    const pods: Reflector<Pod> = reflect<Pod>(
      api,
      "/api/v1/pods",
      ({ type, object }) => {
        if (type === "deleted") workers.get(uidOf(object))?.gone();
        else if (object.spec?.nodeName !== undefined) runOrUpdate(object);
        scheduler.wake();
      },
      signal,
    );
    const scheduler = createScheduler(api, nodes, pods, notice);
    const route = () => proxy.sync([...services.items.values()], [...slices.items.values()]);
    const services = reflect<Service>(api, "/api/v1/services", () => route(), signal);
    const slices = reflect<EndpointSlice>(
      api,
      "/apis/discovery.k8s.io/v1/endpointslices",
      () => route(),
      signal,
    );
    await Promise.all([nodes.synced, pods.synced, services.synced, slices.synced]);
    await untilDone(async () => expectUsable(api, nodes), signal);

    function runOrUpdate(pod: Pod): void {
      const uid = uidOf(pod);
      const worker = workers.get(uid);
      if (worker !== undefined) {
        worker.update(pod);
        return;
      }
      const hostIp = hostIps.get(pod.spec?.nodeName ?? "");
      if (hostIp === undefined || signal.aborted) return;
      const podIp = addresses.take();
      const started = runPod(context, pod, podIp, hostIp);
      const { namespace, name } = nameOf(pod);
      workers.set(uid, started);
      byName.set(`${namespace}/${name}`, started);
      void forget(started, uid, podIp);
    }

    async function forget(worker: PodWorker, uid: string, podIp: string): Promise<void> {
      await worker.ended;
      workers.delete(uid);
      addresses.give(podIp);
    }

    return {
      stop: async () => {
        ending.abort();
        await Promise.all([...workers.values()].map((worker) => worker.kill()));
        await Promise.all([nodes.ended, pods.ended, services.ended, slices.ended, ...leases]);
        await proxy.close();
      },
    };
  }

  function workerOf(namespace: string, pod: string): PodWorker {
    const worker = byName.get(`${namespace}/${pod}`);
    if (worker === undefined) throw new Error(`no Pod ${namespace}/${pod} was ever run on a node`);
    return worker;
  }

  function containerOf({ namespace, pod, container }: ContainerName) {
    const run = workerOf(namespace, pod).container(container);
    if (run === undefined)
      throw new Error(`Pod ${namespace}/${pod} has not run a container ${container ?? ""}`);
    return run;
  }

  return {
    start: async () => {
      session ??= await open();
    },
    kill: async () => {
      const current = session;
      session = undefined;
      await current?.stop();
    },
    signal: ({ signal, ...container }) => containerOf(container).signal(signal),
    logFile: async ({ previous = false, ...container }) => containerOf(container).logFile(previous),
  };
}

/** Fails until the controllers have taken the taint of new nodes away and made the account that most Pods run as. */
async function expectUsable(api: ApiClient, nodes: Reflector<Node>): Promise<void> {
  const isNew = (node: Node) => node.spec?.taints?.some(({ key }) => key === "node.kubernetes.io/not-ready");
  const late = [...nodes.items.values()].filter(isNew).map(({ metadata }) => metadata?.name);
  if (late.length > 0) throw new Error(`nodes not ready: ${late.join(", ")}`);
  await api.get("/api/v1/namespaces/default/serviceaccounts/default");
}

/** The DNS server's address belongs to a Service, as in other clusters: no other Service is given it. */
async function reserveDnsService(api: ApiClient): Promise<void> {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kube-dns", namespace: "kube-system", labels: { "k8s-app": "kube-dns" } },
    spec: { clusterIP: dnsAddress, ports: [{ name: "dns", port: 53, protocol: "UDP" }] },
  };
  const path = "/api/v1/namespaces/kube-system/services/kube-dns";
  await api.patch(`${path}?fieldManager=gatehouse-test&force=true`, service, "apply");
}

async function renewLeases(api: ApiClient, name: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await renewLease(api, name).catch(() => undefined);
    await sleep(10_000, undefined, { signal }).catch(() => undefined);
  }
}

/** Tries again every 100 ms for 60 s: right after its start the API server lacks some of what it will have. */
async function untilDone(attempt: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!signal.aborted) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}
