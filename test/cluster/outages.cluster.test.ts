import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { access } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority, type Authority } from "./certificates.ts";
import { startCluster, type Cluster } from "./cluster.ts";
import { reportProgress } from "./progress.ts";
import { eventually } from "./testing/eventually.ts";
import { apply, get, kubectl, podsOf, rolledOut } from "./testing/kubernetes.ts";
import { nodeImage, web } from "./testing/web.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ onBuild: reportProgress(process.stderr) });
}, 1_800_000);

afterAll(async () => {
  await cluster?.stop();
});

/** A webhook that admits everything and says so in an audit annotation, with what a cluster needs to call it. */
async function webhook(authority: Authority): Promise<object[]> {
  const name = "echo";
  const leaf = await authority.issue({ commonName: name, dnsNames: [`${name}.default.svc`] });
  const program = `
    const fs = require("node:fs");
    const options = { cert: fs.readFileSync("/tls/tls.crt"), key: fs.readFileSync("/tls/tls.key") };
    require("node:https").createServer(options, (request, response) => {
      if (request.url === "/readyz") return response.end("ok");
      let text = "";
      request.on("data", (chunk) => { text += chunk; }).on("end", () => {
        const review = JSON.parse(text);
        const uid = review.request.uid;
        const auditAnnotations = { seen: review.request.name ?? "" };
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ ...review, request: undefined, response: { uid, allowed: true, auditAnnotations } }));
      });
    }).listen(9443);
  `;
  const labels = { app: name };
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: "default" },
      stringData: { "tls.crt": leaf.certificate, "tls.key": leaf.key },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace: "default" },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                name,
                image: nodeImage,
                args: ["-e", program],
                readinessProbe: {
                  httpGet: { port: 9443, path: "/readyz", scheme: "HTTPS" },
                  periodSeconds: 1,
                },
                volumeMounts: [{ name: "tls", mountPath: "/tls" }],
              },
            ],
            volumes: [{ name: "tls", secret: { secretName: name } }],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "default" },
      spec: { selector: labels, ports: [{ port: 443, targetPort: 9443 }] },
    },
  ];
}

function webhookConfiguration(authority: Authority): object {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "echo" },
    webhooks: [
      {
        name: "echo.gatehouse.example",
        clientConfig: {
          service: { namespace: "default", name: "echo", path: "/validate" },
          caBundle: Buffer.from(authority.certificate).toString("base64"),
        },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] }],
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        failurePolicy: "Fail",
        timeoutSeconds: 2,
      },
    ],
  };
}

const createConfigMap = (name: string) => cluster.kubectl(["create", "configmap", name]);

test("the API server calls a webhook in Pods by its Service, and its annotations reach the audit log", async () => {
  const authority = await createAuthority("webhook");
  await apply(cluster, ...(await webhook(authority)));
  await rolledOut(cluster, "echo");
  await apply(cluster, webhookConfiguration(authority));
  await eventually(async () => {
    const name = `seen-${Date.now()}`;
    expect((await createConfigMap(name)).code).toBe(0);
    const events = (await cluster.auditLog()).filter(({ objectRef }) => objectRef?.name === name);
    expect(events.map(({ verb, user, annotations }) => [verb, user.username, annotations])).toEqual([
      [
        "create",
        "gatehouse:admin",
        expect.objectContaining({ "echo.gatehouse.example/seen": name }) as object,
      ],
    ]);
  });
});

test("a cut between API server and Service times webhooks out, and healing ends that", async () => {
  const to = await kubectl(cluster, "get", "service", "echo", "-o", "jsonpath={.spec.clusterIP}");
  const cut = { from: "control-plane", to } as const;
  await cluster.cut(cut);
  const refused = await createConfigMap("cut");
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/context deadline exceeded/u)]);
  await cluster.heal(cut);
  expect((await createConfigMap("healed")).code).toBe(0);
});

test("a Pod reaches a published server by name, loses it when cut off, and finds it again", async () => {
  const server = createServer((_, response) => response.end("registry"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = "10.200.1.1";
  const target = (server.address() as AddressInfo).port;
  await cluster.publish({ host, port: 80, name: "registry.example", target });
  const program = `
    const ask = async () => {
      try {
        const answer = await fetch("http://registry.example/", { signal: AbortSignal.timeout(500) });
        console.log(await answer.text());
      } catch (error) {
        console.log(error.cause?.code ?? error.name);
      }
      setTimeout(ask, 100);
    };
    ask();
  `;
  const pod = { containers: [{ name: "client", image: nodeImage, args: ["-e", program] }] };
  await apply(cluster, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "client", namespace: "default", labels: { app: "client" } },
    spec: { terminationGracePeriodSeconds: 0, ...pod },
  });
  const lastLine = async () => {
    const lines = (await cluster.logs({ namespace: "default", pod: "client" })).trimEnd().split("\n");
    return lines.at(-1);
  };
  await eventually(async () => expect(await lastLine()).toBe("registry"));
  const [client] = await podsOf(cluster, "client");
  const cut = { from: client?.status?.podIP ?? "", to: host };
  await cluster.cut(cut);
  await eventually(async () => expect(await lastLine()).toBe("TimeoutError"));
  await cluster.heal(cut);
  await eventually(async () => expect(await lastLine()).toBe("registry"));
  await cluster.unpublish({ host, port: 80 });
  await eventually(async () => expect(await lastLine()).toBe("ECONNREFUSED"));
  server.close();
  await kubectl(cluster, "delete", "pod", "client");
});

test("a restart of the control plane keeps its state, and Pods do not notice", async () => {
  await apply(cluster, ...web("kept", 2));
  await rolledOut(cluster, "kept");
  const ids = async () =>
    (await podsOf(cluster, "kept")).map(({ metadata, status }) => [
      metadata?.uid,
      status?.podIP,
      status?.containerStatuses?.[0]?.restartCount,
    ]);
  const before = await ids();
  await cluster.restartControlPlane();
  expect(await ids()).toEqual(before);
  await kubectl(cluster, "scale", "deployment", "kept", "--replicas=3");
  await rolledOut(cluster, "kept");
  expect(await podsOf(cluster, "kept")).toHaveLength(3);
});

test("after a power cut the Pods of the data come back by themselves", async () => {
  const before = (await podsOf(cluster, "kept")).map(({ metadata }) => metadata?.uid);
  await cluster.killAll();
  expect((await cluster.kubectl(["get", "pods", "--request-timeout=2s"])).code).toBe(1);
  await cluster.powerOn();
  await eventually(async () => {
    const after = await podsOf(cluster, "kept");
    expect(after.map(({ metadata }) => metadata?.uid)).toEqual(before);
    const seen = after.map(({ status }) => status?.containerStatuses?.[0]);
    expect(seen.map((status) => [status?.ready, status?.restartCount])).toEqual([
      [true, 1],
      [true, 1],
      [true, 1],
    ]);
  });
  await rolledOut(cluster, "kept");
  await eventually(async () => expect((await createConfigMap(`after-${Date.now()}`)).code).toBe(0));
});

test("a program outside of Pods runs in the cluster's network", async () => {
  const script = `require("node:http").createServer((_, response) => response.end("program")).listen(80, "10.200.2.1")`;
  await cluster.run({
    name: "outside",
    command: process.execPath,
    args: ["-e", script],
    addresses: ["10.200.2.1"],
  });
  const port = await cluster.forward("10.200.2.1", 80);
  await eventually(async () => {
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("program");
  });
  await cluster.stopProgram("outside");
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow("fetch failed");
});

/** Command lines of all processes of this machine that name `folder`. */
function processesOf(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .map((pid) => {
      try {
        return readFileSync(join("/proc", pid, "cmdline"), "utf8");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(folder));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

test("nothing is left behind after stop", async () => {
  const { folder } = cluster;
  const { items } = await get<{ items: object[] }>(cluster, "pods", "-A");
  expect(items.length).toBeGreaterThan(0);
  expect(processesOf(folder).length).toBeGreaterThan(0);
  await cluster.stop();
  await cluster.stop();
  expect(processesOf(folder)).toEqual([]);
  expect(await exists(folder)).toBe(false);
});

test.each(["SIGKILL", "SIGINT"] as const)(
  "nothing is left behind when its owner ends by %s",
  async (signal) => {
    const module = join(import.meta.dirname, "cluster.ts");
    const script = `
    const { startCluster } = await import(${JSON.stringify(module)});
    const { folder } = await startCluster();
    console.log(folder);
    setInterval(() => undefined, 1000);
  `;
    const owner = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [folder] = (await once(createInterface({ input: owner.stdout }), "line")) as [string];
    expect(processesOf(folder).length).toBeGreaterThan(0);
    owner.kill(signal);
    await eventually(async () => {
      expect(processesOf(folder)).toEqual([]);
      expect(await exists(folder)).toBe(false);
    }, 20);
  },
);
