/** Objects of every kind that the gate judges. */
import { apiVersionOf, judgedKinds } from "@gatehouse/policy";

/** A kind that carries a Pod spec. */
export type WorkloadKind = (typeof judgedKinds)[number]["kind"];

/** All of them. */
export const workloadKinds: readonly WorkloadKind[] = judgedKinds.map(({ kind }) => kind);

/** What is not the same for all objects. */
export interface WorkloadOptions {
  /** @default "default" */
  readonly namespace?: string;
  /** Further metadata, such as finalizers; `name: undefined` with a `generateName` has the server choose a name. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Further fields of the Pod spec. */
  readonly podSpec?: Readonly<Record<string, unknown>>;
  /** Further fields of the spec, such as `replicas`. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

type Fields = Record<string, unknown>;

/** What the API server wants of each kind beside a template. */
function required(kind: WorkloadKind, app: string): Fields {
  const matchLabels = { app };
  switch (kind) {
    case "Deployment":
    case "ReplicaSet":
    case "DaemonSet":
      return { selector: { matchLabels } };
    case "StatefulSet":
      return { selector: { matchLabels }, serviceName: app };
    case "ReplicationController":
      return { selector: matchLabels };
    case "CronJob":
      return { schedule: "0 0 1 1 *" };
    default:
      return {};
  }
}

/** An object of a kind, one container with this image. Nothing of it asks for a process. */
export function workload(
  kind: WorkloadKind,
  name: string,
  image: string,
  { namespace = "default", metadata, podSpec, spec }: WorkloadOptions = {},
): Fields {
  const judged = judgedKinds.find((one) => one.kind === kind);
  if (judged === undefined) throw new Error(`no kind ${kind}`);
  const never = kind === "Job" || kind === "CronJob";
  const pod = {
    terminationGracePeriodSeconds: 0,
    ...(never ? { restartPolicy: "Never" } : {}),
    containers: [{ name: "app", image }],
    ...podSpec,
  };
  const template = { metadata: { labels: { app: name } }, spec: pod };
  const own = { name, namespace, labels: { app: name }, ...metadata };
  const head = { apiVersion: apiVersionOf(judged), kind, metadata: own };
  if (kind === "Pod") return { ...head, spec: pod };
  if (kind === "PodTemplate") return { ...head, template };
  const inner = kind === "CronJob" ? { jobTemplate: { spec: { template } } } : { template };
  return { ...head, spec: { ...required(kind, name), ...inner, ...spec } };
}
