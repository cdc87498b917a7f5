import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, type Cluster } from "./cluster.ts";
import { reportProgress } from "./progress.ts";
import { eventually } from "./testing/eventually.ts";
import { apply, get, kubectl, podsOf, rolledOut } from "./testing/kubernetes.ts";
import { nodeImage, web } from "./testing/web.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    onBuild: reportProgress(process.stderr),
    commands: [{ image: "shell.example/sh*", entrypoint: ["/bin/sh", "-c"] }],
  });
}, 1_800_000);

afterAll(async () => {
  await cluster?.stop();
});

function pod(name: string, spec: object): object {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default" }, spec };
}

test("a Node program runs in a restricted Pod with its ConfigMap, Secret, token, fields and scratch space", async () => {
  const report = `
    const fs = require("node:fs");
    const attempt = (work) => { try { return work(); } catch (error) { return error.code; } };
    console.log(JSON.stringify({
      bundle: require("node:zlib").gunzipSync(fs.readFileSync("/etc/gatehouse/bundle/main.js.gz")).toString(),
      policy: fs.readFileSync("/etc/gatehouse/policy.json", "utf8"),
      ca: fs.readFileSync("/etc/gatehouse/ca/ca.crt", "utf8"),
      labels: fs.readFileSync("/etc/pod/labels", "utf8"),
      environment: [process.env.PLAIN, process.env.POD_IP === process.env.OWN_IP, process.env.FROM_SECRET, process.env.A],
      user: [process.getuid(), process.getgid()],
      root: attempt(() => fs.writeFileSync("/x", "")),
      config: attempt(() => fs.writeFileSync("/etc/gatehouse/policy.json", "")),
      scratch: attempt(() => fs.writeFileSync("/tmp/x", "written")) ?? fs.readFileSync("/tmp/x", "utf8"),
      capabilities: /CapEff:\\s*(\\S+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1],
      token: fs.readFileSync("/var/run/secrets/tokens/gatehouse", "utf8"),
    }));
    setInterval(() => undefined, 1000);
  `;
  await apply(
    cluster,
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "gate", namespace: "default" },
      data: { "policy.json": "{}" },
      binaryData: { "main.js.gz": gzipSync("bundle").toString("base64") },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "ca", namespace: "default" },
      stringData: { "ca.crt": "certificate", word: "hidden" },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "gate", namespace: "default", labels: { a: "b" } },
      spec: {
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65_532,
          runAsGroup: 65_532,
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [
          {
            name: "gate",
            image: nodeImage,
            args: ["-e", report],
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
            },
            envFrom: [{ configMapRef: { name: "absent", optional: true } }],
            env: [
              { name: "PLAIN", value: "plain $(POD_IP_UNKNOWN)" },
              { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
              { name: "OWN_IP", value: "$(POD_IP)" },
              { name: "FROM_SECRET", valueFrom: { secretKeyRef: { name: "ca", key: "word" } } },
            ],
            volumeMounts: [
              { name: "config", mountPath: "/etc/gatehouse" },
              { name: "bundle", mountPath: "/etc/gatehouse/bundle" },
              { name: "ca", mountPath: "/etc/gatehouse/ca" },
              { name: "tokens", mountPath: "/var/run/secrets/tokens" },
              { name: "fields", mountPath: "/etc/pod" },
              { name: "tmp", mountPath: "/tmp" },
            ],
          },
        ],
        volumes: [
          {
            name: "config",
            configMap: { name: "gate", items: [{ key: "policy.json", path: "policy.json" }] },
          },
          { name: "bundle", configMap: { name: "gate" } },
          { name: "ca", secret: { secretName: "ca" } },
          { name: "tmp", emptyDir: {} },
          {
            name: "fields",
            downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] },
          },
          {
            name: "tokens",
            projected: {
              sources: [
                { serviceAccountToken: { path: "gatehouse", audience: "gatehouse", expirationSeconds: 600 } },
              ],
            },
          },
        ],
      },
    },
  );
  const { token, ...seen } = await eventually(async () => {
    return JSON.parse(await cluster.logs({ namespace: "default", pod: "gate" })) as Record<string, unknown>;
  });
  expect(seen).toEqual({
    bundle: "bundle",
    policy: "{}",
    ca: "certificate",
    labels: 'a="b"',
    environment: ["plain $(POD_IP_UNKNOWN)", true, "hidden", null],
    user: [65_532, 65_532],
    root: "EROFS",
    config: "EROFS",
    scratch: "written",
    capabilities: "0000000000000000",
  });
  const review = await cluster.kubectl(
    ["create", "-o", "json", "-f", "-"],
    JSON.stringify({
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: ["gatehouse"] },
    }),
  );
  expect((JSON.parse(review.stdout) as { status: object }).status).toMatchObject({
    authenticated: true,
    audiences: ["gatehouse"],
    user: { username: "system:serviceaccount:default:default" },
  });
  expect(await kubectl(cluster, "logs", "gate")).toContain('"bundle":"bundle"');
});

test("a Pod calls the API server as its service account", async () => {
  const program = `
    const fs = require("node:fs");
    const folder = "/var/run/secrets/kubernetes.io/serviceaccount/";
    const headers = { authorization: "Bearer " + fs.readFileSync(folder + "token", "utf8") };
    const url = "https://kubernetes.default.svc/api/v1/namespaces/default/secrets";
    require("node:https").get(url, { ca: fs.readFileSync(folder + "ca.crt"), headers }, (response) => {
      response.setEncoding("utf8").on("data", (text) => console.log(JSON.parse(text).message));
    });
  `;
  await apply(
    cluster,
    pod("caller", {
      restartPolicy: "Never",
      containers: [{ name: "c", image: nodeImage, args: ["-e", program] }],
    }),
  );
  await eventually(async () => {
    expect(await cluster.logs({ namespace: "default", pod: "caller" })).toBe(
      'secrets is forbidden: User "system:serviceaccount:default:default" cannot list resource "secrets" ' +
        'in API group "" in the namespace "default"\n',
    );
  });
});

test("a Deployment spreads over the nodes, and its Service leads to ready Pods only", async () => {
  const constraint = {
    maxSkew: 1,
    topologyKey: "kubernetes.io/hostname",
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: { app: "spread" } },
  };
  await apply(cluster, ...web("spread", 3, "v1", { topologySpreadConstraints: [constraint] }));
  await rolledOut(cluster, "spread");
  const pods = await podsOf(cluster, "spread");
  expect(new Set(pods.map(({ spec }) => spec?.nodeName))).toEqual(new Set(["node-1", "node-2", "node-3"]));

  const address = await kubectl(cluster, "get", "service", "spread", "-o", "jsonpath={.spec.clusterIP}");
  const port = await cluster.forward(address, 80);
  // A connection of its own for each: one that is kept open stays with its Pod.
  const ask = async () => {
    const sent = request({ host: "127.0.0.1", port, agent: false }).end();
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    return text(answer);
  };
  const answers = new Set([await ask(), await ask(), await ask()]);
  expect(answers).toEqual(new Set(pods.map(({ metadata }) => `v1 ${metadata?.name}`)));

  const proxied = await kubectl(
    cluster,
    "get",
    "--raw",
    "/api/v1/namespaces/default/services/spread:80/proxy/",
  );
  expect(answers).toContain(proxied);

  const [first] = pods;
  const own = await cluster.forward(first?.status?.podIP ?? "", 9443);
  await fetch(`http://127.0.0.1:${own}/off`);
  await eventually(async () => {
    const rest = new Set([await ask(), await ask(), await ask(), await ask()]);
    expect(rest).toEqual(new Set(pods.slice(1).map(({ metadata }) => `v1 ${metadata?.name}`)));
  });
  await kubectl(cluster, "delete", "deployment", "spread");
  await eventually(async () => expect(await podsOf(cluster, "spread")).toEqual([]));
  await expect(ask()).rejects.toThrow(/socket hang up|ECONNRE/);
});

test("a killed process is started again at once, and its Pod says how it ended", async () => {
  await apply(cluster, ...web("killed", 1));
  await rolledOut(cluster, "killed");
  const [before] = await podsOf(cluster, "killed");
  const name = before?.metadata?.name ?? "";
  await cluster.signal({ namespace: "default", pod: name }, "SIGKILL");
  await eventually(async () => {
    const [after] = await podsOf(cluster, "killed");
    expect(after?.metadata?.name).toBe(name);
    expect(after?.status?.containerStatuses?.[0]).toMatchObject({
      ready: true,
      restartCount: 1,
      lastState: { terminated: { exitCode: 137, reason: "Error" } },
      imageID: nodeImage,
    });
  });
  expect(await cluster.logs({ namespace: "default", pod: name, previous: true })).toBe("listening\n");
});

test("a drain evicts by the API, ends the process in order and moves the Pod", async () => {
  await apply(cluster, ...web("drained", 1), {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "agent", namespace: "default" },
    spec: {
      selector: { matchLabels: { app: "agent" } },
      template: {
        metadata: { labels: { app: "agent" } },
        spec: { hostNetwork: true, containers: [{ name: "agent", image: "agent.example/agent:1" }] },
      },
    },
  });
  await rolledOut(cluster, "drained");
  const [before] = await podsOf(cluster, "drained");
  const node = before?.spec?.nodeName ?? "";
  await kubectl(cluster, "drain", node, "--ignore-daemonsets", "--force", "--delete-emptydir-data");
  await rolledOut(cluster, "drained");
  const after = await podsOf(cluster, "drained");
  expect(after.map(({ spec }) => spec?.nodeName === node)).toEqual([false]);
  expect(await cluster.logs({ namespace: "default", pod: before?.metadata?.name ?? "" })).toBe(
    "listening\nending\n",
  );
  const agents = await podsOf(cluster, "agent");
  expect(Object.fromEntries(agents.map(({ spec, status }) => [spec?.nodeName, status?.phase]))).toEqual({
    "node-1": "Running",
    "node-2": "Running",
    "node-3": "Running",
  });
  await kubectl(cluster, "uncordon", node);
});

test("a rolling update is never below the wanted number, and no request fails", async () => {
  await apply(cluster, ...web("rolled", 2, "v1"));
  await rolledOut(cluster, "rolled");
  const address = await kubectl(cluster, "get", "service", "rolled", "-o", "jsonpath={.spec.clusterIP}");
  const port = await cluster.forward(address, 80);
  const versions = new Set<string>();
  let available = Number.POSITIVE_INFINITY;
  const load = { on: true };
  const requests = (async () => {
    while (load.on) {
      const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
      versions.add(text.split(" ")[0] ?? "");
    }
  })();
  const watch = (async () => {
    while (load.on) {
      const ready = (await podsOf(cluster, "rolled")).filter(
        ({ status }) => status?.conditions?.find(({ type }) => type === "Ready")?.status === "True",
      );
      available = Math.min(available, ready.length);
    }
  })();
  await apply(cluster, ...web("rolled", 2, "v2"));
  await rolledOut(cluster, "rolled");
  load.on = false;
  await Promise.all([requests, watch]);
  expect([...versions]).toEqual(["v1", "v2"]);
  expect(available).toBeGreaterThanOrEqual(2);
});

test("a container that fails says why in its Pod, and waits longer each time", async () => {
  const container = {
    name: "c",
    image: "shell.example/sh:1",
    args: ["echo the policy is broken >&2; exit 3"],
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
  await apply(cluster, pod("broken", { containers: [container] }));
  await eventually(async () => {
    const { status } = await get<Pod>(cluster, "pod", "broken");
    expect(status?.containerStatuses?.[0]).toMatchObject({
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { exitCode: 3, message: "the policy is broken\n" } },
    });
  });
  const own = { ...container, args: ["echo -n own words > /dev/termination-log; exit 4"] };
  await apply(cluster, pod("told", { restartPolicy: "Never", containers: [own] }));
  await eventually(async () => {
    const { status } = await get<Pod>(cluster, "pod", "told");
    expect(status?.phase).toBe("Failed");
    expect(status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 4,
      message: "own words",
    });
  });
});

test("a Job runs its init container, then its command, to completion", async () => {
  const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
  const image = "shell.example/sh:1";
  const spec = {
    restartPolicy: "Never",
    initContainers: [{ name: "first", image, args: ["echo from init > /shared/file"], volumeMounts }],
    containers: [{ name: "second", image, args: ["cat /shared/file"], volumeMounts }],
    volumes: [{ name: "shared", emptyDir: {} }],
  };
  await apply(cluster, {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "done", namespace: "default" },
    spec: { template: { metadata: { labels: { app: "done" } }, spec } },
  });
  await kubectl(cluster, "wait", "--for=condition=complete", "job/done", "--timeout=60s");
  const [ran] = await podsOf(cluster, "done");
  expect(ran?.status?.phase).toBe("Succeeded");
  expect(await cluster.logs({ namespace: "default", pod: ran?.metadata?.name ?? "" })).toBe("from init\n");
});

test("a liveness probe ends a process that hangs; a missing ConfigMap is waited for; volumes are refreshed", async () => {
  const volumeMounts = [{ name: "late", mountPath: "/late" }];
  const container = {
    name: "c",
    image: "shell.example/sh:1",
    args: ["cat /late/key; while sleep 0.1; do :; done"],
    livenessProbe: {
      exec: { command: ["/bin/sh", "-c", "grep -q alive /late/key"] },
      periodSeconds: 1,
      failureThreshold: 1,
    },
    volumeMounts,
  };
  const volumes = [{ name: "late", configMap: { name: "late" } }];
  await apply(cluster, pod("live", { terminationGracePeriodSeconds: 1, containers: [container], volumes }));
  await eventually(async () => {
    const { status } = await get<Pod>(cluster, "pod", "live");
    expect(status?.containerStatuses?.[0]?.state?.waiting?.message).toBe(
      'MountVolume.SetUp failed: configmap "late" not found',
    );
  });
  const late = (key: string) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "late", namespace: "default" },
    data: { key },
  });
  await apply(cluster, late("alive"));
  await kubectl(cluster, "wait", "--for=condition=ready", "pod/live", "--timeout=30s");
  await eventually(async () => {
    expect(await cluster.logs({ namespace: "default", pod: "live" })).toBe("alive");
  });
  await apply(cluster, late("dead"));
  await eventually(async () => {
    const { status } = await get<Pod>(cluster, "pod", "live");
    expect(status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137);
  });
});

test("Pods without a known command are Running at once; kubectl debug gives them a status", async () => {
  await apply(cluster, pod("idle", { containers: [{ name: "c", image: "any.example/any:1" }] }));
  await kubectl(cluster, "wait", "--for=condition=ready", "pod/idle", "--timeout=30s");
  await kubectl(cluster, "debug", "idle", "--image=busybox:1", "--container=dbg", "--profile=general");
  await eventually(async () => {
    const { status } = await get<Pod>(cluster, "pod", "idle");
    expect(
      status?.ephemeralContainerStatuses?.map(({ name, state }) => [name, Object.keys(state ?? {})]),
    ).toEqual([["dbg", ["running"]]]);
  });
  await kubectl(cluster, "delete", "pod", "idle", "--timeout=20s");
});

test("a mirror Pod runs on the node that it names, and ends when deleted", async () => {
  await apply(cluster, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "static-node-2",
      namespace: "kube-system",
      annotations: { "kubernetes.io/config.mirror": "hash" },
    },
    spec: {
      nodeName: "node-2",
      containers: [{ name: "c", image: "shell.example/sh:1", args: ["sleep 600"] }],
      terminationGracePeriodSeconds: 1,
    },
  });
  const named = ["-n", "kube-system", "pod/static-node-2"];
  await kubectl(cluster, "wait", "--for=condition=ready", "--timeout=30s", ...named);
  await kubectl(cluster, "delete", "--timeout=20s", ...named);
});

test("what cannot be honoured is refused in the Pod's status, not left out", async () => {
  const container = { name: "c", image: nodeImage, securityContext: { privileged: true } };
  await apply(cluster, pod("refused", { hostPID: true, containers: [container] }));
  await eventually(async () => {
    const { status } = await get<Pod>(cluster, "pod", "refused");
    expect(status?.containerStatuses?.[0]?.state?.waiting).toEqual({
      reason: "CreateContainerConfigError",
      message: "this Pod runner cannot honour spec.hostPID; containers[c].securityContext.privileged",
    });
  });
  await kubectl(cluster, "delete", "pod", "refused", "--timeout=20s");
});
