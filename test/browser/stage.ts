/** An observer on loopback over a cluster in memory, with enough in it for every page of the dashboard. */
import { randomUUID } from "node:crypto";
import { createFakeApi, serviceAccountUser, type FakeApi } from "@gatehouse/kube/testing";
import {
  admissionEvent,
  applyMode,
  decide,
  eventKeyParts,
  policyHash,
  type AdmissionEvent,
  type Policy,
  type Subject,
} from "@gatehouse/policy";
import { createAuthority, readAuthority, runObserver, type RunningObserver } from "@gatehouse/webhook";
import { ask, keyOf, until } from "./requests.ts";
import { byDigest, lookUp, objects, stagePolicy, type Admission } from "./stage-world.ts";

/** What the stage offers. */
export interface Stage {
  /** `https://127.0.0.1:PORT`. */
  url: string;
  api: FakeApi;
  observer: RunningObserver;
  policy: Policy;
  /** A token of `namespace:name`, one of {@link viewers}. */
  token(account: string, audience?: string, seconds?: number): string;
  /** Posts an admission of a Pod of a Deployment, as a judge would. */
  admit(admission: Admission): Promise<void>;
  /** Posts many, as a judge would. */
  admitAll(admissions: readonly Admission[]): Promise<void>;
  stop(): Promise<void>;
}

/** Who may see what: everything, one namespace, nothing. */
export const viewers = {
  everything: "gatehouse:viewer",
  shop: "shop:viewer",
  nothing: "shop:nobody",
} as const;

/** Starts it. */
export async function openStage(options: { mode?: "audit" | "deny"; cluster?: string } = {}): Promise<Stage> {
  const policy = stagePolicy();
  const mode = options.mode ?? "deny";
  const cluster = { name: options.cluster ?? "prod-eu" };
  const rights: Readonly<Record<string, readonly string[]>> = {
    [`system:serviceaccount:${viewers.everything}`]: ["inventory *", "events *"],
    [`system:serviceaccount:${viewers.shop}`]: ["inventory shop", "events shop"],
  };
  const api = createFakeApi({
    authorize: (user, attributes) =>
      "resource" in attributes &&
      attributes.group === "gatehouse.dev" &&
      attributes.verb === "get" &&
      (rights[user.username] ?? []).includes(`${attributes.resource} ${attributes.namespace ?? "*"}`),
  });
  for (const object of objects()) api.put(object as never);
  const authority = createAuthority({ name: "stage", now: Date.now(), lifeMs: 400 * 24 * 3_600_000 });
  const hash = policyHash(policy);
  const observer = await runObserver({
    start: {
      config: {
        version: 1,
        cluster,
        mode,
        policyHash: hash,
        platforms: ["linux/amd64", "linux/arm64"],
        sources: [],
        pin: false,
        excludedNamespaces: ["kube-system"],
        gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
      },
      policy,
      authorities: [readAuthority(authority)],
    },
    version: "0.1.0",
    listen: { host: "127.0.0.1", port: 0 },
    dnsNames: ["localhost"],
    ipAddresses: ["127.0.0.1"],
    instance: "observer-0",
    lookUp: byDigest,
    kube: api.kube(),
    output: { write: () => true, flush: () => Promise.resolve() },
    log: () => {},
    lost: () => {},
  });
  const tokenOf: Stage["token"] = (account, audience = "gatehouse", seconds = 3600) => {
    const [namespace = "", name = ""] = account.split(":");
    return api.token(serviceAccountUser(namespace, name, `uid-${name}`), [audience], seconds);
  };
  const post = async (events: readonly AdmissionEvent[]) => {
    const body = JSON.stringify(events);
    const response = await ask(observer.url, "/v1/events", {
      method: "POST",
      body,
      headers: {
        "content-type": "application/cloudevents-batch+json",
        "x-gatehouse-token": tokenOf("gatehouse:gatehouse"),
      },
    });
    if (response.status !== 200)
      throw new Error(`the observer answered ${response.status}: ${response.text}`);
  };
  const eventOf = async ({ namespace, workload, image, user, at = Date.now() }: Admission) => {
    const subject: Subject = {
      cluster,
      namespace: { name: namespace },
      object: { kind: "Pod", name: "", labels: {} },
      pod: `${workload}-5d9-`,
      workload: {
        resolved: true,
        kind: "Deployment",
        name: workload,
        uid: `Deployment-${namespace}-${workload}`,
      },
      images: [{ path: "spec.containers[0].image", reference: image, name: "main", kind: "container" }],
    };
    const found = new Map([
      [image, await lookUp(image, { platforms: [], signal: AbortSignal.timeout(1000) })],
    ]);
    const input = {
      instance: "judge-0",
      cluster,
      request: {
        uid: randomUUID(),
        operation: "CREATE",
        user: user ?? "system:serviceaccount:kube-system:replicaset-controller",
        groups: ["system:authenticated"],
        apiVersion: "v1",
      },
      subject,
      workload: subject.workload,
      verdict: { ruling: applyMode(decide(policy, subject, found, at), mode), scans: found },
      policyHash: hash,
      at,
      durationMs: 4.2,
    } as const;
    return admissionEvent(input, keyOf(eventKeyParts(input)), 1);
  };
  const admitAll: Stage["admitAll"] = async (admissions) => {
    const events = await Promise.all(admissions.map(eventOf));
    for (let at = 0; at < events.length; at += 500) await post(events.slice(at, at + 500));
  };
  await until(async () => (await ask(observer.url, "/readyz", {})).status === 200);
  await until(() => Promise.resolve(observer.observation()?.reports.pending === 0));
  await observer.observation()?.background.idle();
  return {
    url: observer.url,
    api,
    observer,
    policy,
    token: tokenOf,
    admit: (admission) => admitAll([admission]),
    admitAll,
    stop: () => observer.stop({ graceMs: 100 }),
  };
}
