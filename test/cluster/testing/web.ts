/**
 * A small web server as a Deployment: a Node program in a distroless image's place.
 *
 * @module
 */

/** The image that the tests run Node programs by. */
export const nodeImage = `gcr.io/distroless/nodejs24-debian12@sha256:${"0".repeat(63)}1`;

/**
 * Answers `/` with its Pod's name and the time of its start; `/ready` as told by `/on` and `/off`. At SIGTERM it finishes
 * what it has and ends.
 */
const program = `
  let ready = true;
  const server = require("node:http").createServer((request, response) => {
    if (request.url === "/off") ready = false;
    if (request.url === "/on") ready = true;
    response.setHeader("connection", "close");
    if (request.url === "/ready" && !ready) response.statusCode = 503;
    response.end(process.env.VERSION + " " + require("node:os").hostname());
  });
  server.listen(9443, () => console.log("listening"));
  process.on("SIGTERM", () => {
    console.log("ending");
    setTimeout(() => server.close(() => process.exit(0)), 500);
  });
`;

/** A Deployment of `replicas` web servers, with its Service of the same name, port 80. */
export function web(name: string, replicas: number, version = "v1", podSpec: object = {}): object[] {
  const labels = { app: name };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace: "default" },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 10,
            containers: [
              {
                name: "web",
                image: nodeImage,
                args: ["-e", program],
                env: [{ name: "VERSION", value: version }],
                ports: [{ name: "http", containerPort: 9443 }],
                readinessProbe: {
                  httpGet: { port: "http", path: "/ready" },
                  periodSeconds: 1,
                  failureThreshold: 1,
                },
              },
            ],
            ...podSpec,
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "default" },
      spec: { selector: labels, ports: [{ port: 80, targetPort: "http" }] },
    },
  ];
}
