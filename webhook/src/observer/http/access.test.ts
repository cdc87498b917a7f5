import type { Kube } from "@gatehouse/kube";
import { expect, test } from "vitest";
import { createAccess, type Right } from "./access.ts";

const right: Right = { verb: "get", resource: "inventory" };
const alice = { username: "alice", groups: ["devs"], extra: {} };

/** An API server's reviews that are counted. */
function reviews(allowedIn: readonly string[], change: { authenticated?: boolean } = {}) {
  const clock = { now: 1_000_000 };
  const asked: string[] = [];
  const kube: Pick<Kube, "tokenReview" | "subjectAccessReview"> = {
    tokenReview(token, audiences) {
      asked.push(`token ${token.slice(0, 5)} ${audiences.join()}`);
      return Promise.resolve(
        change.authenticated === false
          ? { authenticated: false, error: "expired" }
          : { authenticated: true, user: alice, audiences },
      );
    },
    subjectAccessReview({ user, attributes }) {
      const { namespace } = attributes as { namespace?: string };
      asked.push(`${user} ${JSON.stringify(attributes)}`);
      return Promise.resolve({ allowed: allowedIn.includes(namespace ?? "*"), reason: "" });
    },
  };
  return { access: createAccess(kube, { now: () => clock.now }), asked, clock };
}

test("a right in the cluster is one question, and sees all", async () => {
  const { access, asked } = reviews(["*"]);
  expect(await access.visibleNamespaces(alice, right, ["a", "b"])).toEqual({ visible: "all" });
  expect(asked).toEqual(['alice {"verb":"get","group":"gatehouse.dev","resource":"inventory"}']);
});

test("without it, each namespace is asked for", async () => {
  const { access, asked } = reviews(["b", "d"]);
  expect(await access.visibleNamespaces(alice, right, ["a", "b", "c", "d"])).toEqual({
    visible: new Set(["b", "d"]),
  });
  expect(asked).toHaveLength(5);
  expect(asked[1]).toBe(
    'alice {"verb":"get","group":"gatehouse.dev","resource":"inventory","namespace":"a"}',
  );
});

test("answers are remembered for half a minute, for each right by itself", async () => {
  const { access, asked, clock } = reviews(["b"]);
  await access.visibleNamespaces(alice, right, ["a", "b"]);
  await access.visibleNamespaces(alice, right, ["b"]);
  expect(asked).toHaveLength(3);
  await access.visibleNamespaces(alice, { ...right, resource: "events" }, ["b"]);
  expect(asked).toHaveLength(5);
  clock.now += 31_000;
  await access.visibleNamespaces(alice, right, ["b"]);
  expect(asked).toHaveLength(7);
});

test("a token is asked for its audience, and remembered no longer than it lives", async () => {
  const { access, asked, clock } = reviews(["*"]);
  const claims = (exp: number) => Buffer.from(JSON.stringify({ exp })).toString("base64url");
  const token = `head.${claims(1_010)}.signature`;
  expect(await access.identify(token)).toEqual({ user: alice });
  await access.identify(token);
  expect(asked).toEqual(["token head. gatehouse"]);
  clock.now += 10_001;
  await access.identify(token);
  expect(asked).toHaveLength(2);
});

test("a refusal is remembered for a moment only", async () => {
  const { access, asked, clock } = reviews([], { authenticated: false });
  expect(await access.identify("token")).toEqual({
    refused: { status: 401, error: "unauthenticated", message: "the token was not accepted: expired" },
  });
  await access.identify("token");
  expect(asked).toHaveLength(1);
  clock.now += 5_001;
  await access.identify("token");
  expect(asked).toHaveLength(2);
});

test("an API server that does not answer is no answer, and is asked again", async () => {
  let calls = 0;
  const fail = () => {
    calls++;
    return Promise.reject(new Error("down"));
  };
  const access = createAccess({ tokenReview: fail, subjectAccessReview: fail }, { now: () => 0 });
  for (let round = 1; round <= 2; round++) {
    expect(await access.identify("token")).toMatchObject({ refused: { status: 503, error: "unavailable" } });
    expect(await access.visibleNamespaces(alice, right, ["a"])).toMatchObject({ refused: { status: 503 } });
    expect(calls).toBe(round * 2);
  }
});

test("no namespaces are no right", async () => {
  const { access } = reviews(["b"]);
  expect(await access.visibleNamespaces(alice, right, [])).toEqual({
    refused: {
      status: 403,
      error: "forbidden",
      message:
        "alice may not get inventory.gatehouse.dev; bind a role that allows it, in a namespace or for the cluster",
    },
  });
});

test("made-up tokens do not become a flood of questions", async () => {
  let calls = 0;
  const tokenReview = () => {
    calls++;
    return new Promise<never>(() => {});
  };
  const access = createAccess(
    { tokenReview, subjectAccessReview: () => Promise.reject(new Error("unused")) },
    { now: () => 0 },
  );
  const last = Array.from({ length: 100 }, (_, index) => access.identify(`token-${index}`)).at(-1);
  expect(await last).toMatchObject({ refused: { status: 503, error: "unavailable" } });
  expect(calls).toBe(32);
});
