/**
 * Kubeconfig files, written as JSON, which every reader of YAML takes.
 *
 * @module
 */
import type { Credentials } from "./control-plane.ts";

/** A kubeconfig with one context, `gatehouse-test`, that carries its certificates within it. */
export function kubeconfig({ server, ca, certificate, key }: Credentials): string {
  const name = "gatehouse-test";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": base64(ca) } }],
    users: [
      { name, user: { "client-certificate-data": base64(certificate), "client-key-data": base64(key) } },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
