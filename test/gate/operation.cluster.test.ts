/** What the gate's parts may do, where their metrics are, and that events reach a sink with its headers. */
import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { GateMode, KubernetesEvents } from "@gatehouse/gate";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { apply, get, kubectl } from "../cluster/testing/kubernetes.ts";
import { nodeImage } from "../cluster/testing/web.ts";
import { vulnerable } from "./reports.ts";
import { startWorld, type World } from "./world.ts";
import { workload } from "./workloads.ts";

/** Takes events, and shows whoever asks what it has got and who said they sent it. */
const receiver = `
  const got = [];
  require("node:http").createServer(async (request, response) => {
    if (request.method === "GET") return response.end(JSON.stringify(got));
    let body = "";
    for await (const chunk of request) body += chunk;
    const { authorization, "content-type": type } = request.headers;
    for (const event of JSON.parse(body)) got.push({ authorization, type, subject: event.subject });
    response.statusCode = 202;
    response.end();
  }).listen(9443);
`;
/** In a namespace that the gate does not judge, so that it is there before the gate is. */
const namespace = "kube-public";
const labels = { app: "receiver" };

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await apply(
    world.cluster,
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "receiver", namespace, labels },
      spec: { containers: [{ name: "receiver", image: nodeImage, args: ["-e", receiver] }] },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "receiver", namespace },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 9443 }] },
    },
  );
  await world.up({
    mode: GateMode.Deny,
    eventSink: {
      url: `http://receiver.${namespace}.svc/events`,
      headers: { Authorization: "Bearer planted-4711" },
    },
    clusterState: { reports: false, events: KubernetesEvents.Denied },
  });
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
});

async function addressOf(namespaceOf: string, selector: string): Promise<string> {
  const { items } = await get<{ items: Pod[] }>(world.cluster, "pods", "-n", namespaceOf, "-l", selector);
  return items[0]?.status?.podIP ?? "";
}

test("the judge may write nothing, the observer what is switched on, and neither reads a Secret", async () => {
  const may = async (account: string, ...what: string[]) => {
    const as = `--as=system:serviceaccount:gatehouse:${account}`;
    return (await world.cluster.kubectl(["auth", "can-i", ...what, "-n", "default", as])).stdout.trim();
  };
  const asked = [
    ["create", "events.events.k8s.io"],
    ["create", "policyreports.wgpolicyk8s.io"],
    ["patch", "deployments.apps"],
    ["get", "secrets"],
    ["list", "pods"],
    ["get", "deployments.apps"],
    ["create", "tokenreviews.authentication.k8s.io"],
  ];
  const answers = async (account: string) =>
    Object.fromEntries(
      await Promise.all(asked.map(async (what) => [what.join(" "), await may(account, ...what)] as const)),
    );
  expect(await answers("gatehouse")).toEqual({
    "create events.events.k8s.io": "no",
    "create policyreports.wgpolicyk8s.io": "no",
    "patch deployments.apps": "no",
    "get secrets": "no",
    "list pods": "no",
    "get deployments.apps": "yes",
    "create tokenreviews.authentication.k8s.io": "no",
  });
  expect(await answers("gatehouse-observer")).toEqual({
    "create events.events.k8s.io": "yes",
    "create policyreports.wgpolicyk8s.io": "no",
    "patch deployments.apps": "no",
    "get secrets": "no",
    "list pods": "yes",
    "get deployments.apps": "no",
    "create tokenreviews.authentication.k8s.io": "yes",
  });
});

test.each(["judge", "observer"])("the %s shows metrics on their own port, and there alone", async (part) => {
  const address = await addressOf("gatehouse", `app.kubernetes.io/component=${part}`);
  const ask = async (port: number, path: string) => {
    const near = await world.cluster.forward(address, port);
    const call = httpsGet({ host: "127.0.0.1", port: near, path, rejectUnauthorized: false });
    const [response] = (await once(call, "response")) as [IncomingMessage];
    return { status: response.statusCode, text: await text(response) };
  };
  expect((await ask(9464, "/metrics")).text).toMatch(/^gatehouse_(observer_)?info\{/m);
  expect((await ask(9443, "/metrics")).status).toBe(404);
  expect([(await ask(9464, "/readyz")).status, (await ask(9443, "/readyz")).status]).toEqual([404, 200]);
});

test("a denial reaches the sink with what proves who sends, and its owner as a Kubernetes Event", async () => {
  expect((await world.create(workload("Deployment", "refused", vulnerable.reference))).code).toBe(1);
  await eventually(async () => {
    const near = await world.cluster.forward(await addressOf(namespace, "app=receiver"), 9443);
    const [response] = (await once(httpGet({ host: "127.0.0.1", port: near }), "response")) as [
      IncomingMessage,
    ];
    expect(JSON.parse(await text(response))).toContainEqual({
      authorization: "Bearer planted-4711",
      type: expect.stringContaining("application/cloudevents-batch+json") as string,
      subject: "default/Deployment/refused",
    });
  });
  await eventually(async () => {
    const events = await kubectl(world.cluster, "get", "events", "-o", "jsonpath={.items[*].reason}");
    expect(events.split(" ")).toContain("ImageDenied");
  });
  // What is secret is in the Secret alone.
  const maps = await kubectl(world.cluster, "get", "configmaps", "-n", "gatehouse", "-o", "json");
  expect(maps).not.toContain("planted-4711");
});
