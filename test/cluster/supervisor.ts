/**
 * The first process of the cluster's namespaces: it owns every program of the cluster. The kernel ends all of them with
 * it; it ends itself when the process that asked for the cluster goes away, in whichever manner.
 *
 * Started by `startNamespace` only, as `node supervisor.ts`, with a channel.
 *
 * @module
 */
import { mkdir, rm } from "node:fs/promises";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createApiClient, type ApiClient } from "./api.ts";
import { nodeAddress } from "./addresses.ts";
import { connectChannel, type Call } from "./channel.ts";
import { startChild, type Child } from "./child.ts";
import { createControlPlane, prepareControlPlane, type ControlPlane } from "./control-plane.ts";
import { startDns, type Dns } from "./dns.ts";
import { forward, type Forwarder } from "./forward.ts";
import { createNetwork, type Network } from "./network.ts";
import { createRunner, type Runner } from "./runner/runner.ts";
import type { Boot, OwnerMethods, SupervisorMethods } from "./supervisor-methods.ts";

interface Cluster {
  readonly api: ApiClient;
  readonly network: Network;
  readonly dns: Dns;
  readonly controlPlane: ControlPlane;
  readonly runner: Runner;
  readonly logFolder: string;
}

let folder: string | undefined;
let cluster: Cluster | undefined;
const forwarders = new Map<string, Forwarder>();
const programs = new Map<string, Child>();

function booted(): Cluster {
  if (cluster === undefined) throw new Error("the cluster is not set up yet");
  return cluster;
}

async function boot(options: Boot) {
  folder = options.folder;
  const logFolder = join(folder, "logs");
  await mkdir(logFolder, { recursive: true });
  const [network, credentials] = await Promise.all([
    createNetwork(),
    prepareControlPlane(
      join(folder, "control-plane"),
      options.nodes.map((_, index) => nodeAddress(index)),
    ),
  ]);
  const api = createApiClient(credentials.runner);
  const notice = (message: string) => void call("notice", message).catch(() => undefined);
  const controlPlane = createControlPlane({
    binaries: options.binaries,
    folder: join(folder, "control-plane"),
    logFolder,
    auditLog: join(logFolder, "audit.log"),
    apiServerArgs: options.apiServerArgs,
    api,
    onExit: notice,
  });
  const dns = await startDns();
  const runner = createRunner({
    api,
    network,
    dns,
    folder: join(folder, "pods"),
    nodes: options.nodes,
    commands: options.commands,
    times: options.times,
    kubelet: credentials.kubelet,
    clusterCa: credentials.admin.ca,
    resolveImage: (reference) => call("resolveImage", reference),
    notice,
  });
  cluster = { api, network, dns, controlPlane, runner, logFolder };
  return { admin: credentials.admin };
}

const methods: SupervisorMethods = {
  boot,
  startControlPlane: () => booted().controlPlane.start(),
  stopControlPlane: ({ graceMilliseconds }) => booted().controlPlane.stop(graceMilliseconds),
  startNodes: () => booted().runner.start(),
  killNodes: () => booted().runner.kill(),
  forward: async ({ path, host, port }) => {
    forwarders.set(path, await forward({ path }, () => ({ host, port })));
  },
  publish: async ({ path, host, port }) => {
    await booted().network.addAddress(host);
    forwarders.set(`${host}:${port}`, await forward({ host, port }, () => ({ path })));
  },
  unpublish: async ({ host, port }) => {
    await forwarders.get(`${host}:${port}`)?.close();
    forwarders.delete(`${host}:${port}`);
  },
  setHostName: async ({ name, address }) => booted().dns.setHost(name, address),
  runProgram: async ({ name, command, args, env, addresses }) => {
    const { network, logFolder } = booted();
    if (programs.get(name)?.alive === true) throw new Error(`a program named ${name} runs already`);
    for (const address of addresses ?? []) await network.addAddress(address);
    const onExit = (reason: string) => void call("notice", reason).catch(() => undefined);
    const logFile = join(logFolder, `${name}.log`);
    programs.set(name, startChild({ name, command, args, logFile, onExit, ...(env && { env }) }));
  },
  stopProgram: async ({ name, graceMilliseconds }) => programs.get(name)?.stop(graceMilliseconds),
  cut: (cut) => booted().network.cut(cut),
  heal: (cut) => booted().network.heal(cut),
  signal: (options) => booted().runner.signal(options),
  logFile: (options) => booted().runner.logFile(options),
};

/** Ends everything: as the first process of its PID namespace it takes all others with it, however they are. */
async function shutDown(): Promise<never> {
  await Promise.race([cluster?.controlPlane.stop(0), new Promise((resolve) => setTimeout(resolve, 2000))]);
  cluster?.api.close();
  if (folder !== undefined) {
    // Programs that still run may write into the folder while it is removed.
    await rm(folder, { recursive: true, force: true, maxRetries: 10 }).catch(() => undefined);
  }
  process.exit(0);
}

// Also when it ends by a fault of its own.
process.on("exit", () => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});
// A Ctrl-C reaches the whole foreground group; the owner decides what it means and closes the channel.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => void shutDown());
process.on("disconnect", () => void shutDown());

const call: Call<OwnerMethods> = connectChannel<OwnerMethods>(
  {
    send: (message) => {
      if (process.connected) process.send?.(message);
    },
    onMessage: (listener) => process.on("message", listener),
    onClose: (listener) => process.on("disconnect", listener),
  },
  methods,
);
