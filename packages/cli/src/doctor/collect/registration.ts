import { resources, type Kube, type KubeObject } from "@gatehouse/kube";
import type { Registration } from "../facts.ts";
import { gateNames } from "../names.ts";

/** A webhook configuration, as far as the doctor reads it. */
export interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly {
    readonly name: string;
    readonly failurePolicy?: string;
    readonly timeoutSeconds?: number;
    readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
    readonly clientConfig: {
      readonly caBundle?: string;
      readonly service?: { readonly namespace: string; readonly name: string };
      readonly url?: string;
    };
  }[];
}

/** One of the gate's registrations. @throws KubeError */
export async function readRegistration(
  kube: Kube,
  which: "validatingWebhooks" | "mutatingWebhooks",
  name: string,
): Promise<Registration | undefined> {
  const found = await kube.find<WebhookConfiguration>(resources[which], { name });
  const [webhook] = found?.webhooks ?? [];
  if (found === undefined || webhook === undefined) return undefined;
  const { caBundle = "", service, url } = webhook.clientConfig;
  const condition = webhook.matchConditions?.find(({ name: each }) => each === gateNames.exclusion);
  return {
    annotations: found.metadata.annotations ?? {},
    failurePolicy: webhook.failurePolicy ?? "Fail",
    timeoutSeconds: webhook.timeoutSeconds ?? 10,
    caBundle: Buffer.from(caBundle, "base64").toString("utf8"),
    service: service === undefined ? (url ?? "nobody") : `${service.namespace}/${service.name}`,
    excluded: condition === undefined ? undefined : excludedIn(condition.expression),
  };
}

/** Names in `!(request.namespace in ['a', 'b'])`; undefined for any other expression. */
export function excludedIn(expression: string): string[] | undefined {
  const [, list] = /^!\(request\.namespace in \[([^\]]*)\]\)$/.exec(expression) ?? [];
  if (list === undefined) return undefined;
  const names = list.split(",").map((name) => /^\s*'([a-z0-9.-]+)'\s*$/.exec(name)?.[1]);
  return names.every((name) => name !== undefined) ? names : undefined;
}
