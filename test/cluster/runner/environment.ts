/**
 * A container's environment.
 *
 * @module
 */
import type { Container, EnvVar, Pod } from "kubernetes-types/core/v1.d.ts";
import { kubernetesServiceAddress } from "../addresses.ts";
import type { ImageCommand } from "../options.ts";
import { expand } from "./commands.ts";
import { fieldValue, resourceValue, type PodFacts } from "./fields.ts";
import type { Objects } from "./objects.ts";

/**
 * Builds the environment in a kubelet's order: the image's, the API server's address, `envFrom`, `env`.
 * @throws when an object or key that is not optional does not exist, or a source is not known.
 */
export async function environmentOf(
  pod: Pod,
  container: Container,
  image: ImageCommand,
  facts: PodFacts,
  objects: Objects,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOSTNAME: pod.spec?.hostname ?? pod.metadata?.name ?? "",
    ...image.env,
    KUBERNETES_SERVICE_HOST: kubernetesServiceAddress,
    KUBERNETES_SERVICE_PORT: "443",
    KUBERNETES_SERVICE_PORT_HTTPS: "443",
  };
  for (const source of container.envFrom ?? []) {
    const ref = source.configMapRef ?? source.secretRef;
    const name = ref?.name ?? "";
    const entries = source.configMapRef ? await objects.configMap(name) : await objects.secret(name);
    if (entries === undefined && ref?.optional !== true) throw new Error(`envFrom: "${name}" not found`);
    for (const [key, value] of Object.entries(entries ?? {})) {
      values[`${source.prefix ?? ""}${key}`] = value.toString("utf8");
    }
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(pod, container, variable, values, facts, objects);
    if (value !== undefined) values[variable.name] = value;
  }
  return values;
}

async function valueOf(
  pod: Pod,
  container: Container,
  { name, value, valueFrom }: EnvVar,
  values: Readonly<Record<string, string>>,
  facts: PodFacts,
  objects: Objects,
): Promise<string | undefined> {
  if (valueFrom === undefined) return expand(value ?? "", values);
  if (valueFrom.fieldRef) return fieldValue(pod, facts, valueFrom.fieldRef.fieldPath);
  if (valueFrom.resourceFieldRef) {
    return resourceValue(pod.spec?.containers ?? [], container, valueFrom.resourceFieldRef);
  }
  const ref = valueFrom.configMapKeyRef ?? valueFrom.secretKeyRef;
  if (ref === undefined) throw new Error(`env ${name}: a source that this Pod runner does not know`);
  const object = ref.name ?? "";
  const entries = valueFrom.configMapKeyRef ? await objects.configMap(object) : await objects.secret(object);
  const entry = entries?.[ref.key];
  if (entry === undefined && ref.optional !== true) {
    throw new Error(
      `env ${name}: ${entries === undefined ? `"${object}" not found` : `no key ${ref.key} in "${object}"`}`,
    );
  }
  return entry?.toString("utf8");
}
