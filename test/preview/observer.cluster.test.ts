/** What the observer gives to whom, through the real API server; and what it recorded, judged again elsewhere. */
import { createPrivateKey, sign } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createKube, resourceOf, type Answer, type Kube } from "@gatehouse/kube";
import { fromKubeconfig } from "@gatehouse/kube/kubeconfig";
import {
  definePolicy,
  deny,
  findings,
  observerService,
  states,
  type Policy,
  type Replayed,
} from "@gatehouse/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../cluster/testing/eventually.ts";
import { apply, kubectl } from "../cluster/testing/kubernetes.ts";
import { registryHost } from "../gate/reports.ts";
import { startWorld, type World } from "../gate/world.ts";
import { workload, type WorkloadKind } from "../gate/workloads.ts";
import { gatehouse } from "./cli.ts";
import { fleetReports, forAll } from "./fleet.ts";

/** A tenth in every run, the whole with --soak. */
const admissions = process.env["GATEHOUSE_SOAK"] === "1" ? 10_000 : 1_000;

const policy: Policy = definePolicy({
  rules: {
    "no-criticals": deny({
      description: "Criticals do not ship",
      when: findings({ minSeverity: "critical" }),
      onScan: states.audit,
    }),
  },
  defaultRule: false,
});
const stricter: Policy = definePolicy({
  rules: {
    "no-highs": deny({
      description: "Highs do not ship",
      where: { labels: { app: ["app-1*", "app-2*", "app-3*"] } },
      when: findings({ minSeverity: "high" }),
      onScan: { ...states.audit, absent: "deny" },
    }),
  },
  defaultRule: false,
});

let world: World;
let kube: Kube;
let folder: string;
const service = observerService("gatehouse");

interface Question {
  token?: string;
  method?: "GET" | "POST";
  query?: Record<string, string>;
  body?: string;
}

const ask = async (path: string, { token, body, ...rest }: Question = {}): Promise<Answer> =>
  await kube.serviceProxy("gatehouse", service.target, path, {
    ...rest,
    ...(body === undefined ? {} : { body }),
    headers: {
      ...(token === undefined ? {} : { [service.header]: token }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    timeoutMs: 60_000,
  });

const tokenOf = async (
  namespace: string,
  name: string,
  audience: string = service.audience,
): Promise<string> =>
  (await kube.tokenRequest(namespace, name, { audiences: [audience], expirationSeconds: 600 })).token;

const account = (namespace: string, name: string) => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { namespace, name },
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "observer-"));
  world = await startWorld();
  kube = createKube(await fromKubeconfig({ path: world.cluster.kubeconfig }), { timeoutMs: 60_000 });
  await world.up({ policy, mode: "audit", files: { reports: { ...fleetReports } } });
  const role = {
    apiGroups: ["gatehouse.dev"],
    resources: ["impact", "inventory", "events"],
    verbs: ["get", "create"],
  };
  const rbac = "rbac.authorization.k8s.io/v1";
  await apply(
    world.cluster,
    ...["near", "far"].map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
    account("near", "viewer"),
    account("near", "nobody"),
    { apiVersion: rbac, kind: "Role", metadata: { namespace: "near", name: "viewer" }, rules: [role] },
    {
      apiVersion: rbac,
      kind: "RoleBinding",
      metadata: { namespace: "near", name: "viewer" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "viewer" },
      subjects: [{ kind: "ServiceAccount", namespace: "near", name: "viewer" }],
    },
    workload("PodTemplate", "near-one", `${registryHost}/team/clean:1`, { namespace: "near" }),
    workload("PodTemplate", "far-one", `${registryHost}/team/clean:1`, { namespace: "far" }),
  );
  await eventually(async () => {
    const { status, text } = await ask("/v1/inventory", {
      token: await tokenOf("gatehouse", "gatehouse-caller"),
    });
    expect([status, text.includes("far-one"), text.includes("near-one")]).toEqual([200, true, true]);
  }, 180);
}, 1_800_000);

afterAll(async () => {
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

const impactBody = JSON.stringify({ policy: stricter, mode: "deny" });
const paths = [
  ["/v1/impact", "POST"],
  ["/v1/inventory", "GET"],
  ["/v1/running", "GET"],
  ["/v1/snapshot", "GET"],
  ["/v1/events", "GET"],
  ["/v1/events/stream", "GET"],
] as const;

/** The statuses with which each path answers. */
async function statuses(token: string | undefined): Promise<number[]> {
  const found: number[] = [];
  for (const [path, method] of paths) {
    const body = method === "POST" ? { body: impactBody } : {};
    const { status } = await ask(path, { method, ...body, ...(token === undefined ? {} : { token }) });
    found.push(status);
  }
  return found;
}

/** The same token with another end, signed with the cluster's own key. */
async function ending(token: string, exp: number): Promise<string> {
  const [head = "", body = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
  const iat = exp - 3600;
  const changed = Buffer.from(JSON.stringify({ ...claims, exp, iat, nbf: iat })).toString("base64url");
  const { alg } = JSON.parse(Buffer.from(head, "base64url").toString()) as { alg: string };
  const key = createPrivateKey(
    await readFile(join(world.cluster.folder, "control-plane", "service-account.key")),
  );
  const input = Buffer.from(`${head}.${changed}`);
  const signature = sign("sha256", input, alg.startsWith("ES") ? { key, dsaEncoding: "ieee-p1363" } : key);
  return `${head}.${changed}.${signature.toString("base64url")}`;
}

describe("who is refused", () => {
  const all = (status: number) => paths.map(() => status);

  test("the anonymous, a token for another audience, and none at all", async () => {
    expect(await statuses(undefined)).toEqual(all(401));
    expect(await statuses("not-a-token")).toEqual(all(401));
    const foreign = await tokenOf("gatehouse", "gatehouse-caller", "somebody-else");
    expect(await statuses(foreign)).toEqual(all(401));
    // The API server's own credentials are good for the proxy and for nothing behind it.
    expect((await ask("/v1/inventory", { query: { token: foreign } })).status).toBe(401);
  });

  test("an expired token, though its signature is right", async () => {
    const token = await tokenOf("gatehouse", "gatehouse-caller");
    const now = Math.floor(Date.now() / 1000);
    expect((await ask("/v1/inventory", { token: await ending(token, now + 600) })).status).toBe(200);
    expect(await statuses(await ending(token, now - 60))).toEqual(all(401));
  });

  test("whoever has no right, and whoever has it in another namespace only", async () => {
    expect(await statuses(await tokenOf("near", "nobody"))).toEqual(all(403));
    const viewer = await tokenOf("near", "viewer");
    for (const path of ["/v1/inventory", "/v1/running", "/v1/snapshot", "/v1/events"]) {
      const own = await ask(path, { token: viewer });
      expect([path, own.status, own.text.includes("far")]).toEqual([path, 200, false]);
      const foreign = await ask(path, { token: viewer, query: { namespace: "far" } });
      expect([path, foreign.status]).toEqual([path, 403]);
    }
    const impact = await ask("/v1/impact", { token: viewer, method: "POST", body: impactBody });
    expect([impact.status, (JSON.parse(impact.text) as { workloads: number }).workloads]).toEqual([200, 1]);
  });

  test("an oversized proposal, and events of whoever is no judge", async () => {
    const token = await tokenOf("gatehouse", "gatehouse-caller");
    const body = JSON.stringify({ policy, mode: "deny", running: "x".repeat(2 * 1024 * 1024) });
    expect((await ask("/v1/impact", { token, method: "POST", body })).status).toBe(413);
    expect((await ask("/v1/events", { token, method: "POST", body: "[]" })).status).toBe(403);
  });
});

describe("a snapshot", () => {
  const secrets = ["pl4nted-env", "pl4nted-arg", "pl4nted-annotation", "pl4nted-label"];
  const kinds: readonly WorkloadKind[] = [
    "PodTemplate",
    "Deployment",
    "CronJob",
    "StatefulSet",
    "PodTemplate",
  ];
  const images = ["team/clean", "team/critical", "team/high", "team/both", "team/new", "other/critical"];

  const objectOf = (index: number) => {
    const kind = kinds[index % kinds.length] ?? "PodTemplate";
    const image = `${registryHost}/${images[index % images.length]}:1`;
    const name = `app-${index}`;
    return workload(kind, name, image, {
      namespace: index % 2 === 0 ? "near" : "far",
      metadata: { labels: { app: name, note: secrets[3] }, annotations: { note: secrets[2] } },
      spec: kind === "CronJob" ? { suspend: true } : kind === "PodTemplate" ? {} : { replicas: 0 },
      podSpec: {
        containers: [
          {
            name: "app",
            image,
            env: [{ name: "TOKEN", value: secrets[0] }],
            args: [`--token=${secrets[1]}`],
          },
        ],
      },
    });
  };

  const file = () => join(folder, "snapshot.jsonl.gz");
  const policyFile = () => join(folder, "stricter.json");

  /** Records until the file has every admission. */
  async function recordsAll(): Promise<void> {
    await eventually(async () => {
      const { status, notes } = await gatehouse(
        world.cluster,
        "record",
        "--file",
        file(),
        "--policy",
        policyFile(),
      );
      expect([status, notes.split(",")[0]]).toEqual([0, `${file()}: ${admissions + 2} reviews`]);
    }, 300);
  }

  test(`${admissions} admissions are recorded, without a secret, and replay to the same decisions`, async () => {
    await writeFile(policyFile(), JSON.stringify(stricter));
    const indices = Array.from({ length: admissions }, (_, index) => index);
    await forAll(indices, async (index) => {
      const object = objectOf(index) as { apiVersion: string; kind: string };
      const resource = resourceOf(object);
      if (resource === undefined) throw new Error(`no resource for ${object.kind}`);
      await kube.create(resource, object as never);
    });
    // Those of beforeAll were judged too.
    await recordsAll();
    const text = gunzipSync(await readFile(file())).toString();
    for (const secret of secrets) expect(text).not.toContain(secret);
    const same = await gatehouse(world.cluster, "replay", file(), "--output", "json");
    const { reviews, otherReports, differences, impact } = JSON.parse(same.out) as Replayed;
    expect([reviews, otherReports, differences, impact.workloads]).toEqual([
      admissions + 2,
      0,
      [],
      admissions + 2,
    ]);
  });

  test("an observer that begins anew is told by the judges what was admitted before", async () => {
    const part = "app.kubernetes.io/component=observer";
    await kubectl(world.cluster, "delete", "pods", "-n", "gatehouse", "-l", part, "--wait=true");
    await recordsAll();
  });

  test("with the policy changed, what differs is what the impact says", async () => {
    const { out, status } = await gatehouse(
      { kubeconfig: "/nowhere" },
      "replay",
      file(),
      "--policy",
      policyFile(),
      "--mode",
      "deny",
      "--output",
      "json",
      "--fail-on",
      "newly-denied",
    );
    const { differences, impact } = JSON.parse(out) as Replayed;
    const turned = (is: string, was: string) =>
      differences.filter((one) => one.is === is && one.was === was).map(({ owner }) => owner);
    const owners = (entries: readonly { owner: string }[]) => entries.map(({ owner }) => owner).toSorted();
    const denied = [...turned("deny", "allow"), ...turned("deny", "audit")].toSorted();
    expect(denied).toEqual(owners(impact.newlyDenied));
    expect(turned("audit", "allow").toSorted()).toEqual(owners(impact.newlyAudited));
    expect([status, denied.length > admissions / 10]).toEqual([1, true]);
    // And what the observer itself says of the same change.
    const asked = await gatehouse(
      world.cluster,
      "preview",
      "--policy",
      policyFile(),
      "--mode",
      "deny",
      "--output",
      "json",
    );
    const live = JSON.parse(asked.out) as Replayed["impact"];
    expect(owners(live.newlyDenied)).toEqual(denied);
  });

  test("a policy that asks for labels that are not in it is not judged", async () => {
    const asking = join(folder, "asking.json");
    const [rule] = Object.values(stricter.rules);
    const where = { labels: { note: "x" } };
    await writeFile(asking, JSON.stringify({ ...stricter, rules: { note: { ...rule, where } } }));
    const { status, notes } = await gatehouse(
      { kubeconfig: "/nowhere" },
      "replay",
      file(),
      "--policy",
      asking,
    );
    expect([status, notes.includes("record it again with --label note")]).toEqual([3, true]);
  });
});
