import { resources, type Kube, type KubeObject } from "@gatehouse/kube";
import type { Vital } from "../facts.ts";
import type { WebhookConfiguration } from "./registration.ts";

/** A workload, as far as it shows what it is for. */
interface Workload extends KubeObject {
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly { readonly image?: string }[];
        readonly initContainers?: readonly { readonly image?: string }[];
        readonly volumes?: readonly { readonly hostPath?: { readonly path?: string } | null }[];
      };
    };
  };
}

/** Folders of the node that only a network plugin writes to (https://github.com/containernetworking/cni). */
const networkPath = /^\/(?:etc\/cni|opt\/cni|var\/lib\/cni|home\/kubernetes\/bin|run\/cilium)(?:\/|$)/;
/** The kubelet's plugins and their sockets (https://kubernetes-csi.github.io/docs/deploying.html). */
const storagePath = /^\/var\/lib\/kubelet\/plugins(?:_registry)?(?:\/|$)/;
const autoscaler = /^(?:cluster-autoscaler|karpenter|controller)$/;
const dns = /^(?:coredns|kube-dns|k8s-dns-kube-dns|k8s-dns-node-cache|node-local-dns)$/;

/** Finds by what they mount and run what a cluster cannot do without. @throws KubeError */
export async function readVitals(kube: Kube, gate: string): Promise<Vital[]> {
  const [daemonSets, deployments, validating, mutating] = await Promise.all([
    kube.list<Workload>(resources.daemonSets),
    kube.list<Workload>(resources.deployments),
    kube.list<WebhookConfiguration>(resources.validatingWebhooks),
    kube.list<WebhookConfiguration>(resources.mutatingWebhooks),
  ]);
  const workloads = [...daemonSets.items, ...deployments.items].flatMap((one): Vital[] => {
    const { namespace = "", name } = one.metadata;
    const what = purposeOf(one);
    return what === undefined ? [] : [{ what, namespace, name: `${one.kind}/${name}` }];
  });
  const backends = [...validating.items, ...mutating.items].flatMap(({ kind, metadata, webhooks }) =>
    (webhooks ?? []).flatMap(({ failurePolicy, clientConfig: { service } }): Vital[] =>
      service === undefined || service.namespace === gate || failurePolicy === "Ignore"
        ? []
        : [{ what: "webhook backend", namespace: service.namespace, name: `${kind}/${metadata.name}` }],
    ),
  );
  return [...workloads, ...backends];
}

function purposeOf({ kind, metadata, spec }: Workload): Vital["what"] | undefined {
  const { containers = [], initContainers = [], volumes = [] } = spec?.template?.spec ?? {};
  const paths = volumes.map(({ hostPath }) => hostPath?.path ?? "");
  const images = [...containers, ...initContainers].map(({ image = "" }) => repositoryOf(image));
  if (kind === "DaemonSet" && paths.some((path) => networkPath.test(path))) return "network (CNI)";
  if (
    paths.some((path) => storagePath.test(path)) ||
    images.some((image) => /^csi-(?!secrets)/.test(last(image)))
  )
    return "storage (CSI)";
  if (
    images.some(
      (image) =>
        autoscaler.test(last(image)) && (last(image) !== "controller" || image.includes("karpenter")),
    )
  )
    return "autoscaler";
  if (images.some((image) => dns.test(last(image))) || metadata.name === "coredns") return "DNS";
  return undefined;
}

/** `registry/team/name` of an image reference. */
function repositoryOf(image: string): string {
  return image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
}

function last(repository: string): string {
  return repository.slice(repository.lastIndexOf("/") + 1);
}
