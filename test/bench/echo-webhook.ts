/** The baseline of a gate in a cluster: webhooks that are called as the gate's are, and admit everything. */
import { createAuthority } from "../cluster/certificates.ts";
import { nodeImage } from "../cluster/testing/web.ts";

const name = "echo";

/** Reads a review, parses it and admits. */
const program = `
  const fs = require("node:fs");
  const options = { cert: fs.readFileSync("/tls/tls.crt"), key: fs.readFileSync("/tls/tls.key") };
  const server = require("node:https").createServer(options, (request, response) => {
    if (request.url === "/readyz") return response.end("ok");
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
      const { apiVersion, kind, request: { uid } } = JSON.parse(Buffer.concat(chunks).toString());
      const body = JSON.stringify({ apiVersion, kind, response: { uid, allowed: true } });
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
      response.end(body);
    });
  });
  server.keepAliveTimeout = 120000;
  server.listen(9443);
`;

/** What serves it: two replicas, as many as a gate has. To be rolled out before {@link echoRegistration}. */
export async function echoServer(): Promise<{ objects: object[]; caBundle: string }> {
  const authority = await createAuthority(name);
  const leaf = await authority.issue({ commonName: name, dnsNames: [`${name}.default.svc`] });
  const metadata = { name, namespace: "default" };
  const labels = { app: name };
  const probe = { httpGet: { port: 9443, path: "/readyz", scheme: "HTTPS" }, periodSeconds: 1 };
  const container = {
    name,
    image: nodeImage,
    args: ["-e", program],
    readinessProbe: probe,
    volumeMounts: [{ name: "tls", mountPath: "/tls" }],
  };
  const objects = [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata,
      stringData: { "tls.crt": leaf.certificate, "tls.key": leaf.key },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [container], volumes: [{ name: "tls", secret: { secretName: name } }] },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: labels, ports: [{ port: 443, targetPort: 9443 }] },
    },
  ];
  return { objects, caBundle: Buffer.from(authority.certificate).toString("base64") };
}

/** Calls it for one namespace, as the gate is called: twice for a Pod, of which one call might have changed it. */
export function echoRegistration(namespace: string, caBundle: string): object[] {
  const rule = (apiGroups: string[], resources: string[]) => ({
    apiGroups,
    resources,
    apiVersions: ["v1"],
    operations: ["CREATE"],
    scope: "Namespaced",
  });
  const configuration = (kind: string, rules: object[]) => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name },
    webhooks: [
      {
        name: "echo.gatehouse.example",
        clientConfig: { caBundle, service: { name, namespace: "default", path: "/" } },
        rules,
        matchConditions: [{ name: "bench", expression: `request.namespace == '${namespace}'` }],
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Fail",
      },
    ],
  });
  const pods = rule([""], ["pods"]);
  return [
    configuration("MutatingWebhookConfiguration", [pods]),
    configuration("ValidatingWebhookConfiguration", [pods, rule(["apps"], ["deployments", "replicasets"])]),
  ];
}
