import { unscanned } from "@gatehouse/policy";
import { describe, expect, it } from "vitest";
import {
  container,
  critical,
  digest,
  lookUp,
  pod,
  policy,
  review,
  scanned,
  secret,
  testApp,
  workload,
} from "../testing/fixtures.ts";
import { bodyLimit } from "./body.ts";
import type { JudgeOptions } from "./judge.ts";

const bad = "registry.example/bad:1";
const clean = "registry.example/clean:1";

describe("a verdict", () => {
  it("admits what is clean, without warnings", async () => {
    const { validate } = testApp();
    const body = review(pod([clean]), { uid: "uid-1" });
    expect(await validate(body)).toEqual({
      uid: "uid-1",
      allowed: true,
      auditAnnotations: { decision: "allow", policy: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    });
  });

  it("denies with code 400, no reason, and all that helps", async () => {
    const { validate } = testApp();
    expect(await validate(review(pod([bad]), { uid: "uid-2" }))).toEqual({
      uid: "uid-2",
      allowed: false,
      status: {
        code: 400,
        message: [
          "Gatehouse denied Pod shop/web [GH1001]",
          "",
          `Image ${bad}`,
          `  Digest: sha256:${"b".repeat(64)} (linux/amd64)`,
          "  In: container c0 at spec.containers[0].image",
          "  Rule no-criticals: Criticals do not ship [GH1001]",
          "    1 finding (scanned 2026-11-22T11:00:00Z, memory):",
          "      CVE-2026-0001, critical, in openssl 3.0.1, fixed in 3.0.7",
          "",
          "Exemption: Ask in #security",
        ].join("\n"),
      },
      auditAnnotations: {
        decision: "deny",
        "in-deny-mode": "deny",
        policy: expect.any(String) as string,
        code: "GH1001",
        rules: "no-criticals",
        images: `${bad}@sha256:${"b".repeat(64)}`,
      },
    });
  });

  it("only warns in mode audit, of what mode deny would do", async () => {
    const { validate, events } = testApp({ mode: "audit" });
    const response = await validate(review(pod([bad])));
    expect([response["allowed"], response["warnings"]]).toEqual([
      true,
      [`[GH1001] deny mode would refuse ${bad} (no-criticals): CVE-2026-0001`],
    ]);
    expect(events().map(({ data }) => data)).toMatchObject([
      { action: "audit", inDenyMode: "deny", mode: "audit" },
    ]);
  });

  it.each(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"])(
    "judges templates of %s",
    async (kind) => {
      const { validate } = testApp();
      expect((await validate(review(workload([bad], kind))))["allowed"]).toBe(false);
      expect((await validate(review(workload([clean], kind))))["allowed"]).toBe(true);
    },
  );

  it("judges init containers, ephemeral containers and image volumes", async () => {
    const { validate } = testApp();
    const places = [
      { initContainers: [{ name: "i", image: bad }] },
      { ephemeralContainers: [{ name: "e", image: bad }] },
      { volumes: [{ name: "v", image: { reference: bad } }] },
    ];
    for (const place of places) {
      const object = pod([clean], { spec: { containers: [{ name: "c", image: clean }], ...place } });
      expect((await validate(review(object)))["allowed"]).toBe(false);
    }
  });

  it("judges only what an update adds", async () => {
    const { validate, events } = testApp();
    const update = (images: readonly string[], old: readonly string[]) =>
      validate(review(workload(images), { operation: "UPDATE", oldObject: workload(old) }));
    expect((await update([bad], [bad]))["allowed"]).toBe(true);
    expect((await update([bad, clean], [bad]))["allowed"]).toBe(true);
    expect((await update([clean, bad], [clean]))["allowed"]).toBe(false);
    expect(events()).toHaveLength(2);
  });

  it("judges ephemeral containers added to a running Pod", async () => {
    const { validate } = testApp();
    const running = pod([bad]);
    const debugged = pod([bad], {
      spec: { ...(running["spec"] as object), ephemeralContainers: [{ name: "debug", image: bad }] },
    });
    const body = review(debugged, {
      operation: "UPDATE",
      subResource: "ephemeralcontainers",
      oldObject: running,
    });
    expect((await validate(body))["allowed"]).toBe(false);
  });

  it("never stands in the way of deletion and connections", async () => {
    const { validate } = testApp();
    for (const operation of ["DELETE", "CONNECT"]) {
      expect((await validate(review(null, { operation, oldObject: pod([bad]) })))["allowed"]).toBe(true);
    }
  });

  it("denies an unknown kind by its name, and admits it with a warning in mode audit", async () => {
    const rollout = {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Rollout",
      metadata: { name: "web", namespace: "shop" },
    };
    const denied = await testApp().validate(review(rollout, { uid: "uid-3" }));
    expect([denied["allowed"], denied["status"]]).toEqual([
      false,
      {
        code: 400,
        message: [
          "Gatehouse denied Rollout shop/web [GH1023]",
          "",
          "The gate does not know this kind of object",
          "  argoproj.io/v1alpha1 Rollout is not a kind that the gate judges",
          "",
          "Request uid-3",
        ].join("\n"),
      },
    ]);
    const audited = await testApp({ mode: "audit" }).validate(review(rollout));
    expect([audited["allowed"], audited["warnings"]]).toEqual([
      true,
      [
        "[GH1023] deny mode would refuse: The gate does not know this kind of object: argoproj.io/v1alpha1 Rollout is not a kind…",
      ],
    ]);
  });

  it("uses exemptions and excepted namespaces", async () => {
    const { validate, events } = testApp();
    const inNamespace = (namespace: string) =>
      validate(review(pod([bad], { metadata: { name: "web", namespace } })));
    expect((await inNamespace("billing"))["allowed"]).toBe(true);
    expect((await inNamespace("sandbox"))["allowed"]).toBe(true);
    expect(events().map(({ data }) => (data as { exemptions: unknown }).exemptions)).toEqual([
      [{ exemption: "openssl-in-billing", daysLeft: 9 }],
      [],
    ]);
  });

  it("denies what no scan is known of, in the rule's own way for each state", async () => {
    const { validate } = testApp();
    const codes = async (image: string) => {
      const { allowed, auditAnnotations } = await validate(review(pod([image])));
      return [allowed, (auditAnnotations as Record<string, string>)["code"]];
    };
    expect(await codes("registry.example/never:1")).toEqual([false, "GH1015"]);
    expect(await codes("registry.example/pending:1")).toEqual([true, "GH1011"]);
    expect(await codes("Not A Reference")).toEqual([false, "GH1021"]);
    expect(await codes("")).toEqual([false, "GH1021"]);
  });
});

describe("time", () => {
  it("answers within the caller's timeout, as unavailable, and lets the look-up go on", async () => {
    let finish = () => {};
    const later = new Promise<void>((resolve) => (finish = resolve));
    let ended = false;
    const { validate, metrics } = testApp({
      lookUp: async () => {
        await later;
        ended = true;
        return scanned([]);
      },
    });
    const answer = await validate(review(pod([clean])), "?timeout=600ms");
    expect([answer["allowed"], (answer["auditAnnotations"] as Record<string, string>)["code"]]).toEqual([
      false,
      "GH1017",
    ]);
    expect((await metrics.late.get()).values).toEqual([{ labels: {}, value: 1 }]);
    expect(ended).toBe(false);
    finish();
    await later;
    expect(ended).toBe(true);
  });

  it("leaves time for the look-ups when the API server is silent", async () => {
    const { validate, events } = testApp({
      directory: { namespaceLabels: () => new Promise(() => {}), topOwner: () => new Promise(() => {}) },
    });
    const ownerReferences = [
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "a", uid: "u", controller: true },
    ];
    const body = review(pod([clean], { metadata: { name: "web", namespace: "shop", ownerReferences } }));
    expect((await validate(body, "?timeout=1s"))["allowed"]).toBe(true);
    expect(events().map(({ data }) => (data as { owner: unknown }).owner)).toEqual([
      { resolved: false, reason: "the API server did not answer in time" },
    ]);
  });

  it("takes the look-up's own word at the deadline", async () => {
    const { validate } = testApp({
      lookUp: (_, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () =>
            resolve(unscanned("unavailable", "its own word", "registry", digest)),
          );
        }),
    });
    const answer = await validate(review(pod([clean])), "?timeout=600ms");
    expect((answer["status"] as { message: string }).message).toContain("says registry: its own word");
  });

  it("counts a look-up that throws as unavailable", async () => {
    const { validate } = testApp({ lookUp: () => Promise.reject(new Error("a bug")) });
    expect(((await validate(review(pod([clean]))))["status"] as { message: string }).message).toContain(
      "[GH1017]",
    );
  });
});

describe("input that is none", () => {
  const path = `/validate/${secret}`;

  it.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["another thing", "[]"],
    ["an empty object", "{}"],
    ["null", "null"],
    ["another version", JSON.stringify({ ...review(pod([clean])), apiVersion: "admission.k8s.io/v1beta1" })],
    ["another kind", JSON.stringify({ ...review(pod([clean])), kind: "ConversionReview" })],
    ["no request", JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" })],
    [
      "a response",
      JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: {} }),
    ],
    ["an unknown operation", JSON.stringify(review(pod([clean]), { operation: "PATCH" }))],
    ["no uid", JSON.stringify(review(pod([clean]), { uid: "" }))],
    [
      "groups that are none",
      JSON.stringify(review(pod([clean]), { userInfo: { username: "a", groups: "b" } })),
    ],
    ["dryRun that is none", JSON.stringify(review(pod([clean]), { dryRun: "no" }))],
  ])("%s is refused with 400", async (_, body) => {
    const { post, events } = testApp();
    const response = await post(path, body);
    expect(response.status).toBe(400);
    expect(Object.keys((await response.json()) as object)).toEqual(["code", "error"]);
    expect(events()).toEqual([]);
  });

  it("bytes that are not UTF-8 are refused with 400", async () => {
    const { app } = testApp();
    const text = Buffer.from(JSON.stringify(review(pod([clean]))), "latin1");
    const body = Buffer.concat([text.subarray(0, 60), Uint8Array.of(0xff), text.subarray(60)]);
    const response = await app.request(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(response.status).toBe(400);
  });

  it("only JSON, and not compressed, is read", async () => {
    const { post } = testApp();
    const body = review(pod([clean]));
    expect((await post(path, body, { "content-type": "text/plain" })).status).toBe(415);
    expect((await post(path, body, { "content-encoding": "gzip" })).status).toBe(415);
    expect((await post(path, body, { "content-type": "application/json; charset=utf-8" })).status).toBe(200);
  });

  it("a body above the limit is given up with 413, with or without its length", async () => {
    const { app, post } = testApp();
    const big = " ".repeat(bodyLimit + 1);
    expect((await post(path, big)).status).toBe(413);
    expect((await post(path, big, { "content-length": String(bodyLimit + 1) })).status).toBe(413);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const response = await app.request(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: endless,
      duplex: "half",
    });
    expect(response.status).toBe(413);
    expect(sent).toBeLessThan(bodyLimit * 2);
  });

  it("the limit itself is read", async () => {
    const { post } = testApp();
    const body = JSON.stringify(review(pod([clean])));
    expect((await post(path, body + " ".repeat(bodyLimit - body.length))).status).toBe(200);
  });

  it.each([
    ["containers that are no list", { spec: { containers: {} } }],
    ["a container that is none", { spec: { containers: ["x"] } }],
    ["an image that is no text", { spec: { containers: [{ name: "c", image: 7 }] } }],
    ["no spec", { spec: undefined }],
    ["labels that are none", { metadata: { name: "web", namespace: "shop", labels: ["x"] } }],
    ["owners that are none", { metadata: { name: "web", namespace: "shop", ownerReferences: "x" } }],
    [
      "an owner without a uid",
      { metadata: { name: "web", ownerReferences: [{ kind: "ReplicaSet", name: "a" }] } },
    ],
    ["another namespace inside", { metadata: { name: "web", namespace: "other" } }],
    ["another kind inside", { kind: "Node" }],
  ])("an object with %s is denied by its field, and 422 in mode audit", async (_, change) => {
    const body = review(pod([clean], change), {
      kind: { group: "", version: "v1", kind: "Pod" },
      namespace: "shop",
    });
    const denied = await testApp().validate(body);
    expect(denied["allowed"]).toBe(false);
    expect((denied["status"] as { message: string }).message).toMatch(/\[GH1022\]/);
    const audited = testApp({ mode: "audit" });
    expect((await audited.post(path, body)).status).toBe(422);
    expect(audited.events()).toEqual([]);
  });

  it("an object with more images than any workload has is denied without a look-up", async () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => `registry.example/clean:${index}`);
    let asked = 0;
    const { validate } = testApp({
      lookUp: () => {
        asked++;
        return Promise.resolve(scanned([]));
      },
    });
    const answer = await validate(review(pod(many(201))));
    expect((answer["status"] as { message: string }).message).toContain(
      "object: expected at most 200 different images, got 201",
    );
    expect([asked, (await validate(review(pod(many(200)))))["allowed"], asked]).toEqual([0, true, 200]);
    expect((await validate(review(pod(Array<string>(500).fill(clean)))))["allowed"]).toBe(true);
  });

  it("values nested however deep are no trouble", async () => {
    const { post } = testApp();
    const deep = `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`;
    const text = JSON.stringify(review(pod([bad]))).replace('"spec":{', `"spec":{"deep":${deep},`);
    const response = (await (await post(path, text)).json()) as { response: { allowed: boolean } };
    expect(response.response.allowed).toBe(false);
    expect((await post(path, "[".repeat(4_000_000))).status).toBe(400);
  });

  it("an update without its old object is denied", async () => {
    const answer = await testApp().validate(review(pod([clean]), { operation: "UPDATE" }));
    expect(answer["allowed"]).toBe(false);
  });

  it("fields named like those of prototypes change nothing", async () => {
    const { post } = testApp();
    const body = JSON.stringify(review(pod([bad]))).replace(
      '"spec":{',
      '"spec":{"__proto__":{"containers":[]},',
    );
    const response = (await (await post(path, body)).json()) as { response: { allowed: boolean } };
    expect(response.response.allowed).toBe(false);
  });
});

describe("paths", () => {
  it("need the secret", async () => {
    const { post, app } = testApp();
    const body = review(pod([clean]));
    for (const path of [
      "/validate/wrong",
      "/validate/",
      "/validate",
      `/validate/${secret}x`,
      `/pin/${secret.slice(1)}`,
    ]) {
      expect((await post(path, body)).status).toBe(404);
    }
    expect((await app.request(`/validate/${secret}`)).status).toBe(404);
  });

  it("tell health, readiness and metrics", async () => {
    const { app, validate, metrics } = testApp();
    expect([(await app.request("/healthz")).status, (await app.request("/readyz")).status]).toEqual([
      200, 200,
    ]);
    await validate(review(pod([bad])));
    const text = await metrics.registry.metrics();
    // The port of the reviews is open to everybody.
    expect((await app.request("/metrics")).status).toBe(404);
    for (const line of [
      'gatehouse_decisions_total{action="deny",in_deny_mode="deny"} 1',
      'gatehouse_rule_outcomes_total{rule="no-criticals",outcome="deny"} 1',
      'gatehouse_image_scans_total{state="complete"} 1',
      'gatehouse_http_answers_total{route="validate",status="200"} 1',
      "gatehouse_in_flight 0",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });
});

describe("events", () => {
  it("are none for dry runs, which are judged alike", async () => {
    const { validate, events, metrics } = testApp();
    expect((await validate(review(pod([bad]), { dryRun: true })))["allowed"]).toBe(false);
    expect(events()).toEqual([]);
    expect(await metrics.registry.metrics()).not.toMatch(/^gatehouse_decisions_total\{.*\} [1-9]/m);
  });

  it("count a request that is sent twice once", async () => {
    const { validate, events } = testApp();
    const body = review(pod([bad]));
    await validate(body);
    await validate(body);
    await validate(review(pod([bad])));
    expect(events().map(({ data }) => (data as { count: number }).count)).toEqual([1, 2]);
  });
});

describe("a bug in the gate", () => {
  const broken = {
    policy: () => {
      throw new Error("a bug");
    },
  };

  it("denies in mode deny, with its own code, and is logged", async () => {
    const { validate, logs } = testApp(broken);
    const answer = await validate(review(pod([clean])));
    expect((answer["status"] as { message: string }).message).toMatch(
      /^Gatehouse denied Pod shop\/web \[GH1031\]/,
    );
    expect(logs).toEqual(["error a request could not be judged Error: a bug"]);
  });

  it("warns in mode audit", async () => {
    const answer = await testApp({ ...broken, mode: "audit" }).validate(review(pod([clean])));
    expect([answer["allowed"], answer["warnings"]]).toEqual([
      true,
      [expect.stringMatching(/^\[GH1031\] deny mode would refuse/) as string],
    ]);
  });
});

describe("pinning", () => {
  const patchOf = (response: Record<string, unknown>): unknown =>
    response["patch"] === undefined
      ? undefined
      : JSON.parse(Buffer.from(response["patch"] as string, "base64").toString());

  it("pins every image of a Pod to what it names now", async () => {
    const pinned = `${clean}@${digest}`;
    const spec = {
      containers: [
        { name: "a", image: clean },
        { name: "b", image: `registry.example/other@${digest}` },
      ],
      initContainers: [{ name: "i", image: bad }],
      volumes: [
        { name: "v", emptyDir: {} },
        { name: "w", image: { reference: clean } },
      ],
    };
    const response = await testApp().pin(review(pod([], { spec })));
    expect([response["allowed"], response["patchType"]]).toEqual([true, "JSONPatch"]);
    expect(patchOf(response)).toEqual([
      { op: "test", path: "/spec/containers/0/image", value: clean },
      { op: "replace", path: "/spec/containers/0/image", value: pinned },
      { op: "test", path: "/spec/initContainers/0/image", value: bad },
      { op: "replace", path: "/spec/initContainers/0/image", value: `${bad}@sha256:${"b".repeat(64)}` },
      { op: "test", path: "/spec/volumes/1/image/reference", value: clean },
      { op: "replace", path: "/spec/volumes/1/image/reference", value: pinned },
    ]);
  });

  it("pins what is put into a running Pod, and leaves what is in it", async () => {
    const { pin } = testApp();
    const before = pod([clean, bad]);
    const update = { operation: "UPDATE", oldObject: before } as const;
    const debugged = pod([clean, bad], {
      spec: { ...(before["spec"] as object), ephemeralContainers: [container(clean, "debugger")] },
    });
    const [swapped, added, same] = [
      await pin(review(pod([bad, `${clean}@${digest}`]), { ...update, oldObject: pod([clean, clean]) })),
      await pin(review(debugged, { ...update, subResource: "ephemeralcontainers" })),
      await pin(review(pod([bad, clean]), update)),
    ];
    expect([swapped, added, same].map(patchOf)).toEqual([
      [
        { op: "test", path: "/spec/containers/0/image", value: bad },
        { op: "replace", path: "/spec/containers/0/image", value: `${bad}@sha256:${"b".repeat(64)}` },
      ],
      [
        { op: "test", path: "/spec/ephemeralContainers/0/image", value: clean },
        { op: "replace", path: "/spec/ephemeralContainers/0/image", value: `${clean}@${digest}` },
      ],
      undefined,
    ]);
  });

  it("leaves alone what it cannot resolve, and everything but Pods in mode deny", async () => {
    const nothing = { allowed: true };
    const uid = "uid-9";
    const { pin } = testApp();
    expect(await pin(review(pod(["Not Valid"]), { uid }))).toEqual({ uid, ...nothing });
    expect(await pin(review(workload([clean]), { uid }))).toEqual({ uid, ...nothing });
    expect(await testApp({ mode: "audit" }).pin(review(pod([clean]), { uid }))).toEqual({ uid, ...nothing });
  });

  it("denies what is not there to be pinned, so that a later look-up admits no tag that can still move", async () => {
    let found = false;
    const lookUp: JudgeOptions["lookUp"] = (reference) =>
      Promise.resolve(
        found
          ? scanned([])
          : unscanned(reference.endsWith("late") ? "unavailable" : "absent", "no", "memory"),
      );
    for (const image of ["registry.example/app:late", "registry.example/app:never"]) {
      found = false;
      const { pin, events } = testApp({ lookUp });
      const answer = await pin(review(pod([image, clean])));
      expect([answer["allowed"], (answer["status"] as { code: number }).code]).toEqual([false, 400]);
      expect(events()).toHaveLength(1);
      expect(await pin(review(pod([image]), { dryRun: true }))).toMatchObject({ allowed: false });
      expect(events()).toHaveLength(1);
      found = true;
      expect(await pin(review(pod([image])))).toMatchObject({ allowed: true, patchType: "JSONPatch" });
    }
    found = false;
    const sandbox = review(
      pod(["registry.example/app:late"], { metadata: { name: "web", namespace: "sandbox" } }),
      {
        namespace: "sandbox",
      },
    );
    expect(await testApp({ lookUp }).pin(sandbox)).toMatchObject({ allowed: true });
    // A digest needs no pin: what becomes of it is for the verdict.
    const late: JudgeOptions["lookUp"] = () => Promise.resolve(unscanned("unavailable", "no", "memory"));
    expect(
      await testApp({ lookUp: late }).pin(review(pod([`registry.example/app@${digest}`]))),
    ).toMatchObject({
      allowed: true,
    });
  });

  it("makes no event, and a dry run no difference", async () => {
    const { pin, events } = testApp();
    const wet = await pin(review(pod([clean]), { uid: "uid-8" }));
    expect(await pin(review(pod([clean]), { uid: "uid-8", dryRun: true }))).toEqual(wet);
    expect(events()).toEqual([]);
  });

  it("never stands in a validating answer", async () => {
    const answer = await testApp().validate(review(pod([clean])));
    expect([answer["patch"], answer["patchType"]]).toEqual([undefined, undefined]);
  });
});

describe("owners", () => {
  const controller = (kind: string, name: string, uid: string, apiVersion = "apps/v1") => ({
    apiVersion,
    kind,
    name,
    uid,
    controller: true,
  });
  const objects = {
    "ReplicaSet/web-1": { uid: "rs-1", ownerReferences: [controller("Deployment", "web", "d-1")] },
    "Deployment/web": { uid: "d-1" },
    "CronJob/nightly": { uid: "cj-1" },
  };
  const ownedPod = pod([bad], {
    metadata: {
      name: "web-1-x",
      namespace: "shop",
      ownerReferences: [controller("ReplicaSet", "web-1", "rs-1")],
    },
  });
  const replicaSet = workload([bad], "ReplicaSet", {
    name: "web-1",
    ownerReferences: [controller("Deployment", "web", "d-1")],
  });

  it("are resolved to the top, in the object's namespace", async () => {
    const { validate, events, read } = testApp({ objects });
    await validate(review(ownedPod));
    expect(events().map(({ data }) => (data as { owner: unknown }).owner)).toEqual([
      { resolved: true, kind: "Deployment", name: "web", uid: "d-1" },
    ]);
    expect(read).toEqual(["ReplicaSet/shop/web-1", "Deployment/shop/web"]);
  });

  it("that built-in controllers made are not judged twice; their Pods are", async () => {
    const { validate, events } = testApp({ objects });
    const by = (username: string) => ({ userInfo: { username, groups: ["system:serviceaccounts"] } });
    const deploymentController = by("system:serviceaccount:kube-system:deployment-controller");
    expect((await validate(review(replicaSet, deploymentController)))["allowed"]).toBe(true);
    expect((await validate(review(replicaSet, by("system:kube-controller-manager"))))["allowed"]).toBe(true);
    const job = workload([bad], "Job", {
      ownerReferences: [controller("CronJob", "nightly", "cj-1", "batch/v1")],
    });
    const cronJobController = by("system:serviceaccount:kube-system:cronjob-controller");
    expect((await validate(review(job, cronJobController)))["allowed"]).toBe(true);
    expect(events()).toEqual([]);

    expect(
      (await validate(review(ownedPod, by("system:serviceaccount:kube-system:replicaset-controller"))))[
        "allowed"
      ],
    ).toBe(false);
    expect((await validate(review(replicaSet)))["allowed"]).toBe(false);
    expect((await validate(review(job, deploymentController)))["allowed"]).toBe(false);
    expect((await validate(review(workload([bad], "ReplicaSet"), deploymentController)))["allowed"]).toBe(
      false,
    );
    const forged = workload([bad], "ReplicaSet", {
      ownerReferences: [controller("Deployment", "web", "another-uid")],
    });
    expect((await validate(review(forged, deploymentController)))["allowed"]).toBe(false);
  });
});

describe("mirror Pods", () => {
  const mirror = pod([bad], {
    metadata: {
      name: "static-node-1",
      namespace: "shop",
      annotations: { "kubernetes.io/config.mirror": "x" },
    },
  });

  it("of a node are audited, never denied", async () => {
    const { validate, events } = testApp();
    const userInfo = { username: "system:node:node-1", groups: ["system:nodes", "system:authenticated"] };
    const answer = await validate(review(mirror, { userInfo }));
    expect(answer["allowed"]).toBe(true);
    expect(answer["warnings"]).toHaveLength(1);
    expect(events().map(({ data }) => data)).toMatchObject([
      { mirror: true, mode: "deny", action: "audit", inDenyMode: "audit" },
    ]);
  });

  it("of anyone else are Pods", async () => {
    const { validate } = testApp();
    expect((await validate(review(mirror)))["allowed"]).toBe(false);
    const userInfo = { username: "system:node:node-1", groups: ["devs"] };
    expect((await validate(review(mirror, { userInfo })))["allowed"]).toBe(false);
  });
});

describe("look-ups", () => {
  it("are asked only for what some rule is about, each reference once", async () => {
    const asked: string[] = [];
    const { validate } = testApp({
      lookUp: (reference, options) => {
        asked.push(reference);
        return lookUp(reference, options);
      },
    });
    await validate(review(pod([bad], { metadata: { name: "web", namespace: "sandbox" } })));
    expect(asked).toEqual([]);
    await validate(review(pod([clean, clean])));
    expect(asked).toEqual([clean]);
  });

  it("are told the platforms that the Pod can run on", async () => {
    const asked: (readonly string[])[] = [];
    const { validate } = testApp({
      platforms: () => ["linux/amd64", "linux/arm64", "windows/amd64"],
      lookUp: (_, { platforms }) => {
        asked.push(platforms);
        return Promise.resolve(scanned([critical]));
      },
    });
    const selected = (nodeSelector: unknown) =>
      validate(review(pod([], { spec: { nodeSelector, containers: [{ name: "c", image: clean }] } })));
    await selected(undefined);
    await selected({ "kubernetes.io/os": "linux" });
    await selected({ "kubernetes.io/arch": "arm64" });
    await selected({ "kubernetes.io/arch": "riscv64" });
    await selected("arm64");
    const all = ["linux/amd64", "linux/arm64", "windows/amd64"];
    expect(asked).toEqual([all, ["linux/amd64", "linux/arm64"], ["linux/arm64"], all, all]);
  });
});

describe("the policy of the moment", () => {
  it("is asked for each time", async () => {
    let current = policy;
    const { validate } = testApp({ policy: () => current });
    expect((await validate(review(pod([bad]))))["allowed"]).toBe(false);
    const exemption = policy.exemptions["openssl-in-billing"];
    if (exemption === undefined) throw new Error("the fixture has it");
    const { where: _, ...everywhere } = exemption;
    current = {
      ...policy,
      exemptions: { "emergency/outage": { ...everywhere, where: { namespace: "shop" } } },
    };
    expect((await validate(review(pod([bad]))))["allowed"]).toBe(true);
  });
});

describe("the line of a decision", () => {
  it("is safe before the answer is given", async () => {
    const safe = Promise.withResolvers<undefined>();
    const { validate } = testApp({ push: () => safe.promise });
    let answered = false;
    const answer = validate(review(pod([bad]))).finally(() => (answered = true));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    safe.resolve(undefined);
    expect((await answer)["allowed"]).toBe(false);
  });

  it("changes nothing of the verdict when it cannot be written", async () => {
    const { validate, logs } = testApp({ push: () => Promise.reject(new Error("no line")) });
    expect((await validate(review(pod([bad]))))["allowed"]).toBe(false);
    expect((await validate(review(pod([clean]))))["allowed"]).toBe(true);
    const said = "error an event could not be written Error: no line";
    expect(logs).toEqual([said, said]);
  });
});
