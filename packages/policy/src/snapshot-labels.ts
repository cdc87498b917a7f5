/** Which labels a snapshot keeps: those that scopes ask for, never all, since anybody may write anything into one. */
import type { Policy, Scope } from "./model.ts";
import { namespaceScope } from "./scope.ts";

/**
 * Labels that are kept whatever the policy asks for: names that Kubernetes and its tools give by convention
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
 */
export const commonLabelKeys: readonly string[] = [
  "app.kubernetes.io/component",
  "app.kubernetes.io/instance",
  "app.kubernetes.io/managed-by",
  "app.kubernetes.io/name",
  "app.kubernetes.io/part-of",
  "kubernetes.io/metadata.name",
];

/** Keys of all labels that a policy's scopes ask for, sorted. */
export function askedLabelKeys({ rules, exemptions }: Policy): string[] {
  const keys = new Set<string>();
  const ask = (scope: Scope | undefined) => {
    const asked = [scope?.labels, scope?.cluster?.labels, namespaceScope(scope?.namespace).labels];
    for (const labels of asked) for (const key of Object.keys(labels ?? {})) keys.add(key);
  };
  for (const { where, except } of Object.values(rules)) {
    ask(where);
    for (const scope of [except ?? []].flat() as readonly Scope[]) ask(scope);
  }
  for (const { where } of Object.values(exemptions)) ask(where);
  return [...keys].sort();
}

/** Those of an object's labels that are kept. */
export function keptLabels(
  labels: Readonly<Record<string, string>>,
  keys: readonly string[] | "all",
): Record<string, string> {
  if (keys === "all") return { ...labels };
  return Object.fromEntries(
    keys.flatMap((key) => (Object.hasOwn(labels, key) ? [[key, labels[key] ?? ""] as const] : [])),
  );
}
