import { randomUUID } from "node:crypto";
import type { AccessAttributes, UserInfo } from "../reviews.ts";
import { Refusal } from "./answers.ts";
import { isJson, type Json } from "./merge.ts";

/** Decides what somebody may do. */
export type Authorize = (user: UserInfo, attributes: AccessAttributes) => boolean;

interface Token {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
  readonly expiresAt: number;
}

/** The audience of tokens that name none, and of the API server itself. */
export const API_AUDIENCE = "https://kubernetes.default.svc";

/** Tokens and reviews of the fake. */
export interface Identities {
  /** Who makes a request; refuses unknown, expired and foreign tokens with 401. */
  authenticate(authorization: string | null): UserInfo;
  issue(user: UserInfo, audiences: readonly string[], seconds: number): { token: string; expiresAt: number };
  /** Answers a TokenReview, SubjectAccessReview or SelfSubjectAccessReview. */
  review(plural: string, body: Json, asker: UserInfo, authorize: Authorize): Json;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** The user of a service account. */
export function serviceAccountUser(namespace: string, name: string, uid: string | undefined): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    extra: {},
  };
}

/** No tokens yet. */
export function createIdentities(now: () => number): Identities {
  const tokens = new Map<string, Token>();

  function live(token: string): Token | undefined {
    const known = tokens.get(token);
    return known && known.expiresAt > now() ? known : undefined;
  }

  function tokenReview(spec: Json): Json {
    const wanted = strings(spec["audiences"]);
    const known = live(String(spec["token"]));
    if (!known) return { user: {}, error: "invalid bearer token" };
    const audiences = (wanted.length === 0 ? [API_AUDIENCE] : wanted).filter((one) =>
      known.audiences.includes(one),
    );
    return audiences.length === 0
      ? { user: {}, error: "token audiences are invalid for the target audiences" }
      : { authenticated: true, user: known.user, audiences };
  }

  return {
    authenticate(authorization) {
      const known = live(/^Bearer (.+)$/.exec(authorization ?? "")?.[1] ?? "");
      if (!known?.audiences.includes(API_AUDIENCE)) throw new Refusal(401, "Unauthorized", "Unauthorized");
      return known.user;
    },
    issue(user, audiences, seconds) {
      const token = `fake.${randomUUID()}`;
      const expiresAt = now() + seconds * 1000;
      tokens.set(token, { user, audiences: audiences.length === 0 ? [API_AUDIENCE] : audiences, expiresAt });
      return { token, expiresAt };
    },
    review(plural, body, asker, authorize) {
      const spec = isJson(body["spec"]) ? body["spec"] : {};
      if (plural === "tokenreviews") return { ...body, metadata: {}, status: tokenReview(spec) };
      const attributes = spec["resourceAttributes"] ?? spec["nonResourceAttributes"];
      if (!isJson(attributes))
        throw new Refusal(422, "Invalid", "spec: exactly one of the attributes is required");
      const user: UserInfo =
        plural === "selfsubjectaccessreviews"
          ? asker
          : {
              username: typeof spec["user"] === "string" ? spec["user"] : "",
              groups: strings(spec["groups"]),
              extra: {},
            };
      const allowed = authorize(user, attributes as unknown as AccessAttributes);
      return { ...body, metadata: {}, status: { allowed, reason: allowed ? "allowed by the test" : "" } };
    },
  };
}
