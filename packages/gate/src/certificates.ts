import * as pulumi from "@pulumi/pulumi";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { PrivateKey } from "@pulumi/tls/privateKey.js";
import { SelfSignedCert } from "@pulumi/tls/selfSignedCert.js";
import { createHash } from "node:crypto";
import { commonLabels } from "./names.ts";
import type { Placement } from "./placement.ts";

/** Ten years, in hours: an authority ends by rotation, not by surprise. */
const CA_HOURS = 10 * 365 * 24;

/** One certificate authority of the gate. */
export interface Authority {
  readonly generation: string;
  /** PEM. */
  readonly certificate: pulumi.Output<string>;
  /** RFC 3339. */
  readonly expiry: pulumi.Output<string>;
  readonly secret: Secret;
}

/**
 * One key, certificate and Secret for each generation. A generation never changes: a new one takes its place.
 */
export function authorities(
  place: Placement,
  [signer, ...others]: readonly [string, ...string[]],
): readonly [Authority, ...Authority[]] {
  return [authority(place, signer), ...others.map((generation) => authority(place, generation))];
}

function authority(place: Placement, generation: string): Authority {
  const name = `${place.name}-ca-${generation}`;
  const key = new PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, place.plain);
  const certificate = new SelfSignedCert(
    name,
    {
      privateKeyPem: key.privateKeyPem,
      subject: { commonName: `Gatehouse CA ${generation}` },
      isCaCertificate: true,
      setSubjectKeyId: true,
      validityPeriodHours: CA_HOURS,
      allowedUses: ["cert_signing", "crl_signing", "digital_signature"],
    },
    place.plain,
  );
  const secret = new Secret(
    name,
    {
      metadata: { namespace: place.namespace, labels: { ...commonLabels } },
      type: "kubernetes.io/tls",
      immutable: true,
      stringData: { "tls.crt": certificate.certPem, "tls.key": key.privateKeyPem },
    },
    place.options,
  );
  return { generation, certificate: certificate.certPem, expiry: certificate.validityEndTime, secret };
}

/** All authorities as a webhook's `caBundle`: base64 of the PEM certificates one after another. */
export function trustBundle(all: readonly Authority[]): pulumi.Output<string> {
  return pulumi
    .all(all.map((authority) => authority.certificate))
    .apply((certificates) =>
      Buffer.from(certificates.map((pem) => `${pem.trimEnd()}\n`).join("")).toString("base64"),
    );
}

/** The secret segment of the webhook's URL, and the Secret that tells the judge. */
export interface WebhookSecret {
  readonly segment: pulumi.Output<string>;
  readonly secret: Secret;
}

/**
 * API servers cannot be told apart from other callers without client certificates, which managed clouds do not let us
 * set; so the URL holds a secret that only they and the gate know. It is derived from a key that Pulumi keeps
 * encrypted, and stays when certificates rotate: old and new replicas must answer the same URL.
 */
export function webhookSecret(place: Placement): WebhookSecret {
  const name = `${place.name}-webhook-path`;
  const key = new PrivateKey(name, { algorithm: "ED25519" }, place.plain);
  const segment = pulumi.secret(
    key.privateKeyPem.apply((pem) =>
      createHash("sha256").update(`gatehouse webhook path\n${pem}`).digest("hex"),
    ),
  );
  const secret = new Secret(
    name,
    {
      metadata: { namespace: place.namespace, labels: { ...commonLabels } },
      immutable: true,
      stringData: { path: segment },
    },
    place.options,
  );
  return { segment, secret };
}
