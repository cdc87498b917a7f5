/**
 * etcd, kube-apiserver and kube-controller-manager: their files, their flags, and starting them in order.
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "./api.ts";
import {
  apiServerAddress,
  apiServerPort,
  clusterDomain,
  kubernetesServiceAddress,
  serviceNetwork,
} from "./addresses.ts";
import type { Binaries } from "./binaries.ts";
import { startChild, type Child } from "./child.ts";
import { createAuthority, createSigningKey, type KeyPair } from "./certificates.ts";
import { kubeconfig } from "./kubeconfig.ts";
import type { ControlPlaneProgram } from "./programs.ts";

/** Client credentials for an API server. */
export interface Credentials extends KeyPair {
  /** URL of the API server. */
  readonly server: string;
  /** PEM of the CA that signed the server's certificate. */
  readonly ca: string;
}

/** The credentials that a new control plane gives out, with the server's address inside the namespace. */
export interface ControlPlaneCredentials {
  readonly admin: Credentials;
  /** The Pod runner's, which stands for kubelet, scheduler and kube-proxy. */
  readonly runner: Credentials;
  /** A kubelet's serving certificate for all of `kubeletAddresses`. */
  readonly kubelet: KeyPair;
}

/** What the API server writes to the audit log: everything but the noise of leases, events and the runner's reads. */
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "None", resources: [{ group: "coordination.k8s.io", resources: ["leases"] }] },
    { level: "None", resources: [{ group: "", resources: ["events"] }, { group: "events.k8s.io" }] },
    { level: "None", users: ["gatehouse:pod-runner"], verbs: ["get", "list", "watch"] },
    { level: "None", nonResourceURLs: ["/readyz*", "/livez*", "/healthz*", "/version", "/openapi/*"] },
    { level: "Metadata" },
  ],
};

/** Writes keys, certificates and configuration files into `folder`, and returns the credentials. */
export async function prepareControlPlane(
  folder: string,
  kubeletAddresses: readonly string[],
): Promise<ControlPlaneCredentials> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = await createAuthority("gatehouse test cluster");
  const server = `https://${apiServerAddress}:${apiServerPort}`;
  const client = async (commonName: string, organization?: string): Promise<Credentials> => {
    const leaf = await authority.issue({ commonName, ...(organization && { organization }) });
    return { server, ca: authority.certificate, ...leaf };
  };
  const serving = await authority.issue({
    commonName: "kube-apiserver",
    dnsNames: [
      "localhost",
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      `kubernetes.default.svc.${clusterDomain}`,
    ],
    addresses: ["127.0.0.1", apiServerAddress, kubernetesServiceAddress],
  });
  const signing = await createSigningKey();
  const kubeletClient = await client("kube-apiserver-kubelet-client", "system:masters");
  const controllerManager = await client("system:kube-controller-manager");
  const files: Record<string, string> = {
    "ca.crt": authority.certificate,
    "ca.key": authority.key,
    "apiserver.crt": serving.certificate,
    "apiserver.key": serving.key,
    "service-account.pub": signing.publicKey,
    "service-account.key": signing.privateKey,
    "kubelet-client.crt": kubeletClient.certificate,
    "kubelet-client.key": kubeletClient.key,
    "controller-manager.kubeconfig": kubeconfig(controllerManager),
    "audit-policy.json": JSON.stringify(auditPolicy),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), content, { mode: 0o600 });
  }
  return {
    admin: await client("gatehouse:admin", "system:masters"),
    runner: await client("gatehouse:pod-runner", "system:masters"),
    kubelet: await authority.issue({ commonName: "kubelet", addresses: kubeletAddresses }),
  };
}

export interface ControlPlaneOptions {
  readonly binaries: Binaries<ControlPlaneProgram>;
  /** Where `prepareControlPlane` has written, and etcd keeps its data. */
  readonly folder: string;
  readonly logFolder: string;
  readonly auditLog: string;
  readonly apiServerArgs: readonly string[];
  readonly api: ApiClient;
  readonly onExit: (reason: string) => void;
}

/** The running control plane. */
export interface ControlPlane {
  /** Starts what does not run, and resolves when the API server is ready and has its default Service. */
  start(): Promise<void>;
  /** Ends all three, last started first; a grace of 0 is SIGKILL for all at once. */
  stop(graceMilliseconds: number): Promise<void>;
}

/** Describes a control plane; nothing runs before `start`. */
export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const children = new Map<ControlPlaneProgram, Child>();
  const stopped = new AbortController();
  let failure: string | undefined;

  function run(name: ControlPlaneProgram, args: readonly string[]): void {
    if (children.get(name)?.alive === true) return;
    const onExit = (reason: string) => {
      failure = reason;
      options.onExit(reason);
    };
    const logFile = join(options.logFolder, `${name}.log`);
    children.set(name, startChild({ name, command: options.binaries[name], args, logFile, onExit }));
  }

  return {
    start: async () => {
      failure = undefined;
      run("etcd", etcdArguments(options));
      run("kube-apiserver", apiServerArguments(options));
      const deadline = Date.now() + 120_000;
      while (!(await isReady(options.api))) {
        if (failure !== undefined) throw new Error(failure);
        if (Date.now() > deadline) throw new Error("the API server was not ready within 120 s: see its log");
        await sleep(100, undefined, { signal: stopped.signal });
      }
      run("kube-controller-manager", controllerManagerArguments(options));
    },
    stop: async (graceMilliseconds) => {
      const running = [...children.values()].reverse();
      if (graceMilliseconds === 0) await Promise.all(running.map((child) => child.stop(0)));
      else for (const child of running) await child.stop(graceMilliseconds);
    },
  };
}

async function isReady(api: ApiClient): Promise<boolean> {
  try {
    await api.get("/readyz");
    await api.get("/api/v1/namespaces/default/services/kubernetes");
    return true;
  } catch {
    return false;
  }
}

function etcdArguments({ folder }: ControlPlaneOptions): string[] {
  return [
    `--data-dir=${join(folder, "etcd")}`,
    "--listen-client-urls=http://127.0.0.1:2379",
    "--advertise-client-urls=http://127.0.0.1:2379",
    "--listen-peer-urls=http://127.0.0.1:2380",
    "--initial-advertise-peer-urls=http://127.0.0.1:2380",
    "--initial-cluster=default=http://127.0.0.1:2380",
    // The files live as long as the cluster: a killed process loses nothing, and no power cut has to be survived.
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

function apiServerArguments({ folder, auditLog, apiServerArgs }: ControlPlaneOptions): string[] {
  return [
    "--etcd-servers=http://127.0.0.1:2379",
    `--advertise-address=${apiServerAddress}`,
    "--bind-address=0.0.0.0",
    `--secure-port=${apiServerPort}`,
    `--tls-cert-file=${join(folder, "apiserver.crt")}`,
    `--tls-private-key-file=${join(folder, "apiserver.key")}`,
    `--client-ca-file=${join(folder, "ca.crt")}`,
    `--service-cluster-ip-range=${serviceNetwork}`,
    `--service-account-issuer=https://kubernetes.default.svc.${clusterDomain}`,
    `--service-account-key-file=${join(folder, "service-account.pub")}`,
    `--service-account-signing-key-file=${join(folder, "service-account.key")}`,
    "--authorization-mode=Node,RBAC",
    "--allow-privileged=true",
    `--audit-policy-file=${join(folder, "audit-policy.json")}`,
    `--audit-log-path=${auditLog}`,
    `--kubelet-client-certificate=${join(folder, "kubelet-client.crt")}`,
    `--kubelet-client-key=${join(folder, "kubelet-client.key")}`,
    `--kubelet-certificate-authority=${join(folder, "ca.crt")}`,
    "--kubelet-preferred-address-types=InternalIP",
    "--profiling=false",
    ...apiServerArgs,
  ];
}

function controllerManagerArguments({ folder }: ControlPlaneOptions): string[] {
  return [
    `--kubeconfig=${join(folder, "controller-manager.kubeconfig")}`,
    "--use-service-account-credentials=true",
    `--service-account-private-key-file=${join(folder, "service-account.key")}`,
    `--root-ca-file=${join(folder, "ca.crt")}`,
    `--cluster-signing-cert-file=${join(folder, "ca.crt")}`,
    `--cluster-signing-key-file=${join(folder, "ca.key")}`,
    `--service-cluster-ip-range=${serviceNetwork}`,
    "--leader-elect=false",
    "--bind-address=127.0.0.1",
    `--cert-dir=${join(folder, "controller-manager")}`,
    "--kube-api-qps=200",
    "--kube-api-burst=400",
    "--profiling=false",
  ];
}
