import { resources, type Kube, type KubeObject } from "@gatehouse/kube";
import { gateConfigSchema, InvalidInputError, oneLine, problemsOf, type GateConfig } from "@gatehouse/policy";
import type { DeploymentFacts, PodFacts } from "../facts.ts";
import { gateNames, partSelector } from "../names.ts";

interface Deployment extends KubeObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: {
      readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
      readonly spec?: {
        readonly volumes?: readonly {
          readonly name: string;
          readonly configMap?: { readonly name?: string };
        }[];
      };
    };
  };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  };
}

interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly restartCount?: number;
      readonly lastState?: { readonly terminated?: { readonly message?: string } };
    }[];
  };
}

const parts = ["judge", "observer"] as const;

/** The gate's Deployments of one part: only their Pods are labelled by it. */
async function deploymentsOf(kube: Kube, namespace: string, part: string): Promise<Deployment[]> {
  const { items } = await kube.list<Deployment>(resources.deployments, {
    namespace,
    labelSelector: "app.kubernetes.io/part-of=gatehouse",
  });
  return items.filter(
    ({ spec }) => spec?.template?.metadata?.labels?.["app.kubernetes.io/component"] === part,
  );
}

/** @throws KubeError */
export async function readDeployments(kube: Kube, namespace: string): Promise<DeploymentFacts[]> {
  const lists = await Promise.all(
    parts.map(async (part) => {
      const items = await deploymentsOf(kube, namespace, part);
      return items.map(({ metadata, spec, status }): DeploymentFacts => {
        const failing = status?.conditions?.find(
          (one) => one.type === "Progressing" && one.status === "False",
        );
        return {
          name: metadata.name,
          part,
          wanted: spec?.replicas ?? 1,
          ready: status?.readyReplicas ?? 0,
          stuck: failing === undefined ? undefined : oneLine(failing.message ?? "no message", 200),
        };
      });
    }),
  );
  return lists.flat();
}

/** @throws KubeError */
export async function readPods(kube: Kube, namespace: string): Promise<PodFacts[]> {
  const lists = await Promise.all(
    parts.map(async (part) => {
      const { items } = await kube.list<Pod>(resources.pods, {
        namespace,
        labelSelector: partSelector(part),
      });
      return items
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map(({ metadata, spec, status }): PodFacts => {
          const [container] = status?.containerStatuses ?? [];
          const words = container?.lastState?.terminated?.message;
          return {
            name: metadata.name,
            part,
            node: spec?.nodeName,
            ready: status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true,
            policyHash: metadata.annotations?.[gateNames.policyHash],
            restarts: container?.restartCount ?? 0,
            lastWords: words === undefined ? undefined : oneLine(words, 200),
          };
        });
    }),
  );
  return lists.flat();
}

/** What the judges are told: the ConfigMap that their Deployment mounts. @throws KubeError, InvalidInputError */
export async function readConfig(kube: Kube, namespace: string): Promise<GateConfig> {
  const [deployment] = await deploymentsOf(kube, namespace, "judge");
  const volume = deployment?.spec?.template?.spec?.volumes?.find(({ name }) => name === "config");
  const name = volume?.configMap?.name;
  if (name === undefined) throw new Error("the judge's Deployment mounts no ConfigMap as config");
  const map = await kube.get<KubeObject & { readonly data?: Readonly<Record<string, string>> }>(
    resources.configMaps,
    { namespace, name },
  );
  const value: unknown = JSON.parse(map.data?.["config.json"] ?? "null");
  const parsed = gateConfigSchema.safeParse(value);
  if (!parsed.success)
    throw new InvalidInputError("GH3009", `ConfigMap ${name}`, problemsOf(parsed.error, value));
  return parsed.data;
}

/** Certificates of the gate's authorities by Secret. Their keys are read along, for lack of another way, and dropped. @throws KubeError */
export async function readAuthorities(kube: Kube, namespace: string): Promise<Record<string, string>> {
  const { items } = await kube.list<
    KubeObject & { readonly type?: string; readonly data?: Readonly<Record<string, string>> }
  >(resources.secrets, { namespace, labelSelector: "app.kubernetes.io/part-of=gatehouse" });
  return Object.fromEntries(
    items
      .filter(({ type }) => type === "kubernetes.io/tls")
      .map(({ metadata, data }) => [
        metadata.name,
        Buffer.from(data?.["tls.crt"] ?? "", "base64").toString("utf8"),
      ]),
  );
}
