import { describe, expect, test } from "vitest";
import { createKube } from "./client.ts";
import type { KubeFetch } from "./transport.ts";
import { createFakeApi, serviceAccountUser } from "./testing/index.ts";

function fixture() {
  let time = Date.parse("2026-11-22T12:00:00Z");
  const api = createFakeApi({
    now: () => time,
    authorize: (user, attributes) =>
      user.username === "system:serviceaccount:shop:reader" &&
      attributes.verb === "get" &&
      "resource" in attributes &&
      attributes.resource === "impact",
  });
  const account = api.put({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { namespace: "shop", name: "reader" },
  });
  return { api, kube: api.kube(), account, later: (ms: number) => (time += ms) };
}

/** A client whose API server answers every request with this body. */
function answering(body: unknown) {
  const fetch: KubeFetch = () => Promise.resolve(new Response(JSON.stringify(body), { status: 201 }));
  return createKube({ server: "https://fake.invalid", credentials: { kind: "none" } }, { fetch });
}

describe("tokens", () => {
  test("are issued for an audience, reviewed for it and end", async () => {
    const { kube, account, later } = fixture();
    const issued = await kube.tokenRequest("shop", "reader", {
      audiences: ["gatehouse"],
      expirationSeconds: 600,
    });
    expect(issued.expiresAt).toBe(Date.parse("2026-11-22T12:10:00Z"));
    expect(await kube.tokenReview(issued.token, ["gatehouse", "other"])).toEqual({
      authenticated: true,
      audiences: ["gatehouse"],
      user: serviceAccountUser("shop", "reader", account.metadata.uid),
    });
    expect(await kube.tokenReview(issued.token, ["other"])).toEqual({
      authenticated: false,
      error: "token audiences are invalid for the target audiences",
    });
    later(600_000);
    expect(await kube.tokenReview(issued.token, ["gatehouse"])).toEqual({
      authenticated: false,
      error: "invalid bearer token",
    });
  });

  test("need an account, an audience and a time", async () => {
    const { kube } = fixture();
    const audiences = ["gatehouse"];
    await expect(kube.tokenRequest("shop", "none", { audiences, expirationSeconds: 600 })).rejects.toThrow(
      'serviceaccounts "none" not found',
    );
    await expect(kube.tokenRequest("shop", "reader", { audiences, expirationSeconds: 5 })).rejects.toThrow(
      "less than 10 minutes",
    );
    await expect(
      kube.tokenRequest("shop", "reader", { audiences: [], expirationSeconds: 600 }),
    ).rejects.toThrow("name at least one audience");
    await expect(kube.tokenReview("x", [])).rejects.toThrow("name at least one audience");
    expect(await kube.tokenReview("", audiences)).toEqual({
      authenticated: false,
      error: "the token is empty",
    });
  });

  const user = { username: "eve", groups: ["g"] };
  test.each([
    ["no audience in the answer", { authenticated: true, user }, "the token is not for gatehouse"],
    [
      "another audience",
      { authenticated: true, user, audiences: ["https://kubernetes.default.svc"] },
      "the token is not for gatehouse",
    ],
    [
      "an error beside the yes",
      { authenticated: true, user, audiences: ["gatehouse"], error: "stale" },
      "stale",
    ],
    ["no user", { authenticated: true, audiences: ["gatehouse"] }, "the API server named no user"],
    ["no word on it", { user, audiences: ["gatehouse"] }, "the token is not valid"],
  ])("are not authenticated with %s", async (_case, status, error) => {
    const kube = answering({ apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", status });
    expect(await kube.tokenReview("t", ["gatehouse"])).toEqual({ authenticated: false, error });
  });

  test.each([
    ["another kind", { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", status: {} }],
    ["no status", { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview" }],
    ["no object", []],
  ])("an answer with %s is an error, not a no", async (_case, body) => {
    await expect(answering(body).tokenReview("t", ["gatehouse"])).rejects.toMatchObject({
      code: "unexpected",
    });
  });
});

describe("access", () => {
  test("of others and of oneself", async () => {
    const { api, kube } = fixture();
    const attributes = { verb: "get", group: "gatehouse.dev", resource: "impact", namespace: "shop" };
    const reader = "system:serviceaccount:shop:reader";
    expect(await kube.subjectAccessReview({ user: reader, attributes })).toEqual({
      allowed: true,
      reason: "allowed by the test",
      evaluationError: undefined,
    });
    expect((await kube.subjectAccessReview({ user: "eve", groups: ["x"], attributes })).allowed).toBe(false);
    const path = { verb: "get", path: "/metrics" };
    expect((await kube.subjectAccessReview({ user: reader, attributes: path })).allowed).toBe(false);
    expect((await kube.selfSubjectAccessReview(attributes)).allowed).toBe(true);
    const eve = api.kube({ token: api.token({ username: "eve", groups: [], extra: {} }) });
    expect((await eve.selfSubjectAccessReview(attributes)).allowed).toBe(false);
  });

  test("denied outranks allowed; a missing word is an error", async () => {
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview" };
    const question = { user: "eve", attributes: { verb: "get", resource: "pods" } };
    const both = answering({ ...review, status: { allowed: true, denied: true } });
    expect((await both.subjectAccessReview(question)).allowed).toBe(false);
    await expect(answering({ ...review, status: {} }).subjectAccessReview(question)).rejects.toMatchObject({
      code: "unexpected",
    });
  });
});
