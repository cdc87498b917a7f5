import * as pulumi from "@pulumi/pulumi";
import { MutatingWebhookConfiguration } from "@pulumi/kubernetes/admissionregistration/v1/mutatingWebhookConfiguration.js";
import { ValidatingWebhookConfiguration } from "@pulumi/kubernetes/admissionregistration/v1/validatingWebhookConfiguration.js";
import { annotations, commonLabels, PINNING_NAME, VALIDATING_NAME } from "./names.ts";
import type { Placement } from "./placement.ts";
import type { GateSettings } from "./settings.ts";
import { pinningWebhook, validatingWebhook } from "./webhooks.ts";

/** What the registration says, and what it waits for. */
export interface RegistrationInputs {
  /** What it is that will be in force. */
  readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
  readonly endpoint: {
    readonly namespace: pulumi.Input<string>;
    /** Base64 of PEM certificates. */
    readonly caBundle: pulumi.Input<string>;
    /** The secret segment of the URL. */
    readonly segment: pulumi.Input<string>;
  };
  /** Everything that must be there for an API server to be answered. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * Tells the API server to ask the gate. Last to come and first to go: while it is there, somebody answers. Its
 * annotations say what is in force, since they are written when the roll-out has succeeded.
 */
export function register(
  place: Pick<Placement, "name" | "options">,
  settings: GateSettings,
  { annotations: inForce, endpoint, after }: RegistrationInputs,
): pulumi.Resource[] {
  const { namespace, caBundle, segment } = endpoint;
  const options = { ...place.options, dependsOn: [...after] };
  const metadata = (name: string) => ({
    name,
    labels: { ...commonLabels },
    annotations: {
      ...inForce,
      [annotations.owner]: `${pulumi.getProject()}/${pulumi.getStack()}/${place.name}`,
    },
  });
  const pinning = settings.pin
    ? [
        new MutatingWebhookConfiguration(
          `${place.name}-pin`,
          {
            metadata: metadata(PINNING_NAME),
            webhooks: [
              pinningWebhook(settings, { namespace, caBundle, path: pulumi.interpolate`/pin/${segment}` }),
            ],
          },
          options,
        ),
      ]
    : [];
  const validating = new ValidatingWebhookConfiguration(
    `${place.name}-validate`,
    {
      metadata: metadata(VALIDATING_NAME),
      webhooks: [
        validatingWebhook(settings, { namespace, caBundle, path: pulumi.interpolate`/validate/${segment}` }),
      ],
    },
    options,
  );
  return [...pinning, validating];
}
