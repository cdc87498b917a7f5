import {
  clusterProblems,
  isLater,
  matching,
  name,
  oneOf,
  scanTermsProblems,
  show,
} from "@gatehouse/gate/components";
import type { Problem } from "@gatehouse/policy";
import { RegistryPermissions, type AcrRegistry, type AcrScanningArgs } from "./acr-args.ts";
import { AzureEnvironment } from "./environments.ts";
import { registryIdProblems, subscriptionProblems } from "./resource-id.ts";

/** All that is wrong with the arguments of an `AcrScanning`; what is an Output is looked at when it is known. */
export function problemsOfAcr(args: AcrScanningArgs): Problem[] {
  return [
    ...clusterProblems("cluster", args.cluster),
    ...(isLater(args.resourceGroup)
      ? []
      : matching(
          "resourceGroup",
          args.resourceGroup,
          /^[\p{L}\p{N}._()-]{1,90}$/u,
          "the name of a resource group",
        )),
    ...registriesProblems(args.registries),
    ...(Array.isArray(args.trust) && args.trust.length > 0
      ? []
      : [
          {
            path: "trust",
            problem: `expected at least one identity whose signature counts, got ${show(args.trust)}; Microsoft publishes none, so take it from the signature of a report of yours`,
          },
        ]),
    ...planArgumentProblems(args.defenderPlan),
    ...graphProblems(args.resourceGraph),
    ...oneOf("environment", args.environment, Object.values(AzureEnvironment)),
    ...scanTermsProblems(args),
  ];
}

function registriesProblems(registries: unknown): Problem[] {
  const path = "registries";
  if (typeof registries !== "object" || registries === null || Object.keys(registries).length === 0)
    return [
      { path, problem: 'expected at least one registry, such as { shop: { id: "/subscriptions/…" } }' },
    ];
  return Object.entries(registries as Record<string, AcrRegistry>).flatMap(([key, registry]) => [
    ...name(`${path}.${key}`, key),
    ...(isLater(registry.id) ? [] : registryIdProblems(`${path}.${key}.id`, registry.id)),
    ...(registry.host === undefined || isLater(registry.host)
      ? []
      : hostProblems(`${path}.${key}.host`, registry.host)),
    ...oneOf(`${path}.${key}.permissions`, registry.permissions, Object.values(RegistryPermissions)),
  ]);
}

/** What is wrong with a registry's login server. */
export function hostProblems(path: string, host: unknown): Problem[] {
  return matching(path, host, /^[a-z0-9-]+\.azurecr\.(io|us)$/, "a login server, such as shop.azurecr.io");
}

function planArgumentProblems(plan: AcrScanningArgs["defenderPlan"]): Problem[] {
  const path = "defenderPlan";
  if (plan === undefined || plan === "Containers") return [];
  const { create, subscription }: { create?: unknown; subscription?: unknown } = plan;
  if (create !== true)
    return [{ path, problem: `expected "Containers" or { create: true, subscription }, got ${show(plan)}` }];
  return isLater(subscription) ? [] : subscriptionProblems(`${path}.subscription`, subscription);
}

function graphProblems(graph: AcrScanningArgs["resourceGraph"]): Problem[] {
  if (graph === undefined) return [];
  const path = "resourceGraph";
  if (graph.managementGroup !== undefined)
    return [
      ...matching(
        `${path}.managementGroup`,
        graph.managementGroup,
        /^[A-Za-z0-9_().-]{1,90}$/,
        "the id of a management group",
      ),
      ...(graph.subscriptions === undefined
        ? []
        : [{ path, problem: "expected either subscriptions or managementGroup, got both" }]),
    ];
  const subscriptions: unknown = graph.subscriptions;
  if (!Array.isArray(subscriptions) || subscriptions.length === 0)
    return [{ path, problem: "expected at least one subscription, or a managementGroup" }];
  return subscriptions.flatMap((one: unknown, index) =>
    subscriptionProblems(`${path}.subscriptions.${index}`, one),
  );
}
