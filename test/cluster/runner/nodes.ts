/**
 * The nodes: registered as a kubelet registers them, and kept alive by their leases.
 *
 * @module
 */
import type { Node } from "kubernetes-types/core/v1.d.ts";
import { ApiError, type ApiClient } from "../api.ts";
import { nodeAddress } from "../addresses.ts";
import { machineArchitecture, type NodeSpec } from "../options.ts";

/** The name of a node without one. */
export function nodeName(spec: NodeSpec, index: number): string {
  return spec.name ?? `node-${index + 1}`;
}

/** Registers a node, or takes over one of the same name, and reports it ready. */
export async function registerNode(api: ApiClient, spec: NodeSpec, index: number): Promise<void> {
  const { gitVersion } = await api.get<{ gitVersion: string }>("/version");
  const node = nodeObject(spec, index, gitVersion, new Date());
  const path = `/api/v1/nodes/${node.metadata?.name}`;
  try {
    await api.post("/api/v1/nodes", node);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
    await api.patch(path, { metadata: { labels: node.metadata?.labels } }, "merge");
  }
  await api.patch(`${path}/status`, { status: node.status }, "strategic-merge");
}

/** Renews a node's lease: without it the node lifecycle controller declares the node lost after 40 s. */
export async function renewLease(api: ApiClient, name: string): Promise<void> {
  const lease = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: "kube-node-lease" },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTime(new Date()) },
  };
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`;
  await api.patch(`${path}?fieldManager=kubelet&force=true`, lease, "apply");
}

function microTime(date: Date): string {
  return date.toISOString().replace("Z", "000Z");
}

function nodeObject(spec: NodeSpec, index: number, version: string, now: Date): Node {
  const name = nodeName(spec, index);
  const architecture = spec.architecture ?? machineArchitecture();
  const os = spec.os ?? "linux";
  const resources = { cpu: "16", memory: "64Gi", "ephemeral-storage": "100Gi", pods: "1000" };
  const time = now.toISOString();
  const condition = (type: string, status: "True" | "False", reason: string) => ({
    type,
    status,
    reason,
    message: reason,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  });
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/arch": architecture,
        "kubernetes.io/os": os,
        "kubernetes.io/hostname": name,
        ...spec.labels,
      },
    },
    status: {
      addresses: [
        { type: "InternalIP", address: nodeAddress(index) },
        { type: "Hostname", address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
      capacity: resources,
      allocatable: resources,
      conditions: [
        condition("Ready", "True", "KubeletReady"),
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID"),
      ],
      nodeInfo: {
        architecture,
        operatingSystem: os,
        kubeletVersion: version,
        kubeProxyVersion: "",
        containerRuntimeVersion: "process://1",
        osImage: "Pod runner of processes",
        kernelVersion: "",
        machineID: name,
        systemUUID: name,
        bootID: name,
      },
    },
  };
}
