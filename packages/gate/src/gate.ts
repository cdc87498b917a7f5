import * as pulumi from "@pulumi/pulumi";
import type { GateArgs } from "./args.ts";
import { bundlesFor } from "./bundle.ts";
import { authorities, trustBundle, webhookSecret } from "./certificates.ts";
import { configText, policyText } from "./config.ts";
import { connectionOf } from "./guard/connection.ts";
import { failureHook, guarded, guardHook } from "./guard/hook.ts";
import { inputError } from "./errors.ts";
import { deployJudge } from "./judge.ts";
import { deployObserver } from "./observer.ts";
import { judgingOf } from "./judging.ts";
import { GATE_TYPE, SERVICE_NAME } from "./names.ts";
import { gateNamespace, ownNamespaceGuard, rightToRunImage } from "./namespace.ts";
import { childOptions } from "./placement.ts";
import { registeredInputs } from "./registered.ts";
import { identity, judgeRules } from "./rbac.ts";
import { register } from "./registration.ts";
import { deployShared } from "./shared.ts";
import { SERVICE_PORT } from "./service.ts";
import { settingsOf } from "./settings.ts";
import { problemsOfArgs } from "./validate.ts";

/**
 * A gate in front of a Kubernetes cluster: it admits a container image only when its registry's scan results satisfy
 * the policy. One per cluster.
 *
 * @example
 * new Gate("gate", {
 *   policy,
 *   mode: GateMode.Deny,
 *   cluster: { name: "shop-prod", cloud: "aws" },
 *   sources: [scanning.source],
 * });
 */
export class Gate extends pulumi.ComponentResource {
  /** Where the API server reaches the gate, without the secret part of the path. */
  readonly endpoint: pulumi.Output<string>;
  /** SHA-256 of the canonical policy; every decision and event bears it. */
  readonly policyHash: pulumi.Output<string>;
  /** When the signing certificate authority ends, RFC 3339. */
  readonly caExpiry: pulumi.Output<string>;

  /** @throws ResourceError naming every argument that must be mended */
  constructor(name: string, args: GateArgs, opts: pulumi.ComponentResourceOptions = {}) {
    const problems = problemsOfArgs(args);
    if (problems.length > 0) throw inputError(name, problems);
    const settings = settingsOf(args);
    const bundles = bundlesFor(name, args);
    const withObserver = bundles.observer !== undefined || args.image?.bundles !== undefined;
    const inputs = registeredInputs(settings);
    const connection = connectionOf(args);
    const judging = judgingOf(args, settings);
    const guarding = { name, settings, inputs, connection, judging };
    const hook = guardHook(guarding);
    const registered = { ...inputs, judging: judging.text, connection: connection.marker };
    super(GATE_TYPE, name, registered, guarded(opts, hook));

    const options = { name, ...childOptions(this, name, args) };
    const namespace = gateNamespace(options, settings);
    const place = { ...options, namespace: namespace.metadata.name };
    const policy = policyText(settings);
    const trusted = authorities(place, settings.caGenerations);
    const webhook = webhookSecret(place);

    const shared = deployShared(place, args, settings, {
      policy,
      judging: judging.text,
      config: configText(name, args, settings, policy.sha256),
      authorities: trusted,
    });
    const judgeIdentity = identity(
      place,
      "judge",
      settings.serviceAccount,
      judgeRules(settings),
      args.serviceAccountAnnotations,
    );
    const judge = deployJudge(place, args, settings, shared, {
      identity: judgeIdentity,
      bundle: bundles.judge,
      webhook,
      withObserver,
      before: [
        ownNamespaceGuard(place, settings),
        rightToRunImage(place, settings, judgeIdentity.account.metadata.name),
      ],
      hook,
      failure: failureHook(guarding),
    });
    const registration = register(options, settings, {
      annotations: shared.annotations,
      endpoint: { namespace: place.namespace, caBundle: trustBundle(trusted), segment: webhook.segment },
      after: judge.ready,
    });
    if (withObserver)
      deployObserver(place, args, settings, shared, { bundle: bundles.observer, after: registration });

    this.endpoint = pulumi.interpolate`https://${SERVICE_NAME}.${judge.service.metadata.namespace}.svc:${SERVICE_PORT}`;
    this.policyHash = pulumi.output(policy.sha256);
    this.caExpiry = trusted[0].expiry;
    this.registerOutputs({ endpoint: this.endpoint, policyHash: this.policyHash, caExpiry: this.caExpiry });
  }
}
