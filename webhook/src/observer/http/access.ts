/**
 * Who asks, and what of the cluster they may see. A request carries a token of a service account, issued for the
 * audience `gatehouse`, in `X-Gatehouse-Token`: the API server's service proxy takes `Authorization` out.
 *
 * Rights are RBAC on resources of the API group `gatehouse.dev`, which no API server serves: RBAC asks no kind to exist:
 *
 * | request | verb | resource |
 * |---|---|---|
 * | `POST /v1/impact` | create | impact |
 * | `GET /v1/inventory`, `GET /v1/running` | get | inventory |
 * | `GET /v1/events`, `GET /v1/events/stream` | get | events |
 * | `GET /v1/snapshot` | get | inventory and events |
 *
 * A ClusterRoleBinding gives them everywhere. A RoleBinding gives them in its namespace, and nothing of any other
 * namespace is then in any answer.
 */
import { hash } from "node:crypto";
import type { Kube, UserInfo } from "@gatehouse/kube";
import { observerNames } from "@gatehouse/policy";
import { LRUCache } from "lru-cache";

const { audience } = observerNames;
/** Header that carries the token. */
export const { tokenHeader } = observerNames;
/** API group of the rights. */
export const accessGroup = "gatehouse.dev";

/** What is asked for. */
export interface Right {
  readonly verb: "get" | "create";
  readonly resource: "impact" | "inventory" | "events";
}

/** Namespaces that somebody may see. */
export type Visible = "all" | ReadonlySet<string>;

/** Why a request is refused. */
export interface Refused {
  readonly status: 401 | 403 | 503;
  /** `unauthenticated`, `forbidden`, `unavailable`. */
  readonly error: string;
  readonly message: string;
}

/** Authentication by TokenReview, and rights by SubjectAccessReview. */
export interface Access {
  /** Whose token it is. */
  identify(token: string | undefined): Promise<{ user: UserInfo } | { refused: Refused }>;
  /**
   * The namespaces in which they have a right: all of them, or those of `among` (one, where they ask for one). Refused
   * when there is none.
   */
  visibleNamespaces(
    user: UserInfo,
    right: Right,
    among: Iterable<string>,
  ): Promise<{ visible: Visible } | { refused: Refused }>;
}

/** How long answers are remembered, in milliseconds: short enough that a right taken away is gone soon. */
const knownMs = 30_000;
const refusedMs = 5_000;
/** Longest token that is looked at; service account tokens have about 1,200 characters. */
const longestToken = 16 * 1024;
/** Namespaces that one viewer is asked about one by one, and questions at a time. */
const mostNamespaces = 5_000;
const questionsAtOnce = 16;
/** Tokens that are asked about at a time: whoever sends made-up ones must not become a load on the API server. */
const tokensAtOnce = 32;

type Identified = { user: UserInfo } | { refused: Refused };

/** Access by the API server's own word. Answers that did not come are never remembered. */
export function createAccess(
  kube: Pick<Kube, "tokenReview" | "subjectAccessReview">,
  options: { now: () => number },
): Access {
  const { now } = options;
  // By our clock, looked at each time: the end of a right must not wait for a timer.
  const time = { perf: { now }, ttlResolution: 0 };
  const users = new LRUCache<string, Identified>({ max: 1_000, ...time });
  const rights = new LRUCache<string, boolean>({ max: 100_000, ttl: knownMs, ...time });

  let asking = 0;

  async function allowed(user: UserInfo, { verb, resource }: Right, namespace?: string): Promise<boolean> {
    const { username, uid, groups, extra } = user;
    const key = hash("sha256", JSON.stringify([username, uid, groups, extra, verb, resource, namespace]));
    const known = rights.get(key);
    if (known !== undefined) return known;
    const verdict = await kube.subjectAccessReview({
      user: username,
      uid,
      groups,
      extra,
      attributes: {
        verb,
        group: accessGroup,
        resource,
        ...(namespace === undefined ? {} : { namespace }),
      },
    });
    rights.set(key, verdict.allowed);
    return verdict.allowed;
  }

  return {
    async identify(token) {
      if (token === undefined || token === "")
        return refuse(401, `expected a token for the audience "${audience}" in the header X-Gatehouse-Token`);
      if (token.length > longestToken || /[^\x21-\x7e]/.test(token))
        return refuse(401, "the header X-Gatehouse-Token is no token");
      // Never the token itself: what is remembered must be of no use to whoever reads the memory.
      const key = hash("sha256", token);
      const known = users.get(key);
      if (known !== undefined) return known;
      if (asking >= tokensAtOnce)
        return refuse(503, "too many callers are being recognised at this moment; try again");
      let answer: Identified;
      asking++;
      try {
        const verdict = await kube.tokenReview(token, [audience]);
        answer = verdict.authenticated
          ? { user: verdict.user }
          : refuse(401, `the token was not accepted: ${verdict.error}`);
      } catch {
        return refuse(503, "the API server does not answer, so nobody can be recognised; try again");
      } finally {
        asking--;
      }
      const ttl = "user" in answer ? Math.min(knownMs, lifeOf(token, now())) : refusedMs;
      if (ttl > 0) users.set(key, answer, { ttl });
      return answer;
    },

    async visibleNamespaces(user, right, among) {
      try {
        if (await allowed(user, right)) return { visible: "all" };
        const visible = new Set<string>();
        const names = [...new Set(among)].slice(0, mostNamespaces);
        const next = names.values();
        const ask = async () => {
          for (const name of next) if (await allowed(user, right, name)) visible.add(name);
        };
        await Promise.all(Array.from({ length: questionsAtOnce }, ask));
        if (visible.size > 0) return { visible };
      } catch {
        return refuse(503, "the API server does not answer, so rights cannot be told; try again");
      }
      return refuse(
        403,
        `${user.username} may not ${right.verb} ${right.resource}.${accessGroup}; bind a role that allows it, in a namespace or for the cluster`,
      );
    },
  };
}

function refuse(status: Refused["status"], message: string): { refused: Refused } {
  const error = status === 401 ? "unauthenticated" : status === 403 ? "forbidden" : "unavailable";
  return { refused: { status, error, message } };
}

/** Milliseconds until the token ends, by its own word, which can only make the memory of it shorter. */
function lifeOf(token: string, now: number): number {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    const end = (claims as { exp?: unknown } | null)?.exp;
    return typeof end === "number" ? end * 1000 - now : knownMs;
  } catch {
    return knownMs;
  }
}
