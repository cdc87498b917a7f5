import { matching } from "@gatehouse/gate/components";
import type { Problem } from "@gatehouse/policy";

/** A resource of Azure's resource manager, by the parts of its id. */
export interface ResourceId {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly name: string;
}

const form = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/[^/]+\/[^/]+\/([^/]+)$/i;

/** The parts of an id; empty where it is none. Azure does not care about the case of its fixed words. */
export function resourceId(id: string): ResourceId {
  const [, subscription = "", resourceGroup = "", name = ""] = form.exec(id) ?? [];
  return { subscription: subscription.toLowerCase(), resourceGroup, name };
}

/** What is wrong with the id of a container registry. */
export function registryIdProblems(path: string, id: unknown): Problem[] {
  return matching(
    path,
    id,
    /^\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\/[^/]+\/providers\/Microsoft\.ContainerRegistry\/registries\/[A-Za-z0-9-]+$/i,
    "/subscriptions/S/resourceGroups/G/providers/Microsoft.ContainerRegistry/registries/NAME",
  );
}

/** What is wrong with the id of a subscription. */
export function subscriptionProblems(path: string, subscription: unknown): Problem[] {
  return matching(
    path,
    subscription,
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    "the id of a subscription",
  );
}
