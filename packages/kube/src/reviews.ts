import * as z from "zod/mini";
import { invalidCall } from "./errors.ts";
import { check, parseJson } from "./objects.ts";
import { objectPath } from "./paths.ts";
import type { CallOptions, Requester } from "./request.ts";
import { resources } from "./resources.ts";

/** Who a token or a request belongs to (`authentication.k8s.io/v1` UserInfo). */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What a TokenReview came to. Not authenticated also means: not for any of the audiences asked for. */
export type TokenVerdict =
  | { readonly authenticated: true; readonly user: UserInfo; readonly audiences: readonly string[] }
  | { readonly authenticated: false; readonly error: string };

/** What access is asked about: to a resource or to a path of the API server. */
export type AccessAttributes =
  | {
      readonly verb: string;
      readonly group?: string;
      readonly version?: string;
      readonly resource: string;
      readonly subresource?: string;
      readonly namespace?: string;
      readonly name?: string;
    }
  | { readonly verb: string; readonly path: string };

/** What an access review came to. */
export interface AccessVerdict {
  readonly allowed: boolean;
  readonly reason: string;
  /** What the authorisers could not evaluate; `allowed` holds in spite of it. */
  readonly evaluationError?: string | undefined;
}

/** A token as TokenRequest issued it. */
export interface IssuedToken {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Arguments of a token request. */
export interface TokenRequestOptions extends CallOptions {
  readonly audiences: readonly string[];
  /** At least 600, says the API server; it may give less than asked. */
  readonly expirationSeconds: number;
  /** The token ends with this object. */
  readonly boundObjectRef?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid?: string;
  };
}

/** Tokens and reviews. All throw KubeError when there is no answer, which is neither yes nor no. */
export interface Reviews {
  /** A token for a service account. */
  tokenRequest(namespace: string, serviceAccount: string, options: TokenRequestOptions): Promise<IssuedToken>;
  /** Whose token it is, if it was issued for one of the audiences. */
  tokenReview(token: string, audiences: readonly string[], options?: CallOptions): Promise<TokenVerdict>;
  /** Whether somebody may do something. */
  subjectAccessReview(
    question: {
      readonly user: string;
      readonly groups?: readonly string[];
      readonly uid?: string | undefined;
      readonly extra?: Readonly<Record<string, readonly string[]>>;
      readonly attributes: AccessAttributes;
    },
    options?: CallOptions,
  ): Promise<AccessVerdict>;
  /** Whether we may do something. */
  selfSubjectAccessReview(attributes: AccessAttributes, options?: CallOptions): Promise<AccessVerdict>;
}

const AUTHENTICATION = "authentication.k8s.io/v1";
const AUTHORIZATION = "authorization.k8s.io/v1";

const issued = z.looseObject({
  apiVersion: z.literal(AUTHENTICATION),
  kind: z.literal("TokenRequest"),
  status: z.looseObject({
    token: z.string().check(z.minLength(1)),
    expirationTimestamp: z.iso.datetime({ offset: true }),
  }),
});

const reviewed = z.looseObject({
  apiVersion: z.literal(AUTHENTICATION),
  kind: z.literal("TokenReview"),
  status: z.looseObject({
    authenticated: z.optional(z.boolean()),
    error: z.optional(z.string()),
    audiences: z.optional(z.nullable(z.array(z.string()))),
    user: z.optional(
      z.looseObject({
        username: z.optional(z.string()),
        uid: z.optional(z.string()),
        groups: z.optional(z.nullable(z.array(z.string()))),
        extra: z.optional(z.nullable(z.record(z.string(), z.array(z.string())))),
      }),
    ),
  }),
});

const access = z.looseObject({
  apiVersion: z.literal(AUTHORIZATION),
  kind: z.enum(["SubjectAccessReview", "SelfSubjectAccessReview"]),
  status: z.looseObject({
    allowed: z.boolean(),
    denied: z.optional(z.boolean()),
    reason: z.optional(z.string()),
    evaluationError: z.optional(z.string()),
  }),
});

/** The verdict of a TokenReview's status; fails closed on every gap. */
function tokenVerdict(status: z.infer<typeof reviewed>["status"], wanted: readonly string[]): TokenVerdict {
  const no = (error: string): TokenVerdict => ({ authenticated: false, error });
  if (status.authenticated !== true) return no(status.error ?? "the token is not valid");
  if (status.error) return no(status.error);
  const user = status.user;
  if (!user?.username) return no("the API server named no user");
  // An API server that does not know audiences answers with none: the token may be meant for anybody.
  const audiences = (status.audiences ?? []).filter((audience) => wanted.includes(audience));
  if (audiences.length === 0) return no(`the token is not for ${wanted.join(" or ")}`);
  return {
    authenticated: true,
    audiences,
    user: { username: user.username, uid: user.uid, groups: user.groups ?? [], extra: user.extra ?? {} },
  };
}

function attributesOf(attributes: AccessAttributes): object {
  return "path" in attributes ? { nonResourceAttributes: attributes } : { resourceAttributes: attributes };
}

/** Tokens and reviews over a requester. Reviews change nothing, so they are sent again when the server was away. */
export function createReviews(requester: Requester): Reviews {
  async function post<T extends z.ZodMiniType>(
    path: string,
    body: object,
    schema: T,
    options: CallOptions,
    repeatable: boolean,
  ): Promise<z.infer<T>> {
    const asked = { method: "POST", path };
    const answer = await requester.call({
      ...asked,
      signal: options.signal,
      timeoutMs: options.timeoutMs,
      body: JSON.stringify(body),
      repeatable,
    });
    return check(asked, schema, parseJson(asked, answer.text), "the review's answer");
  }

  async function reviewAccess(
    plural: string,
    kind: string,
    spec: object,
    options: CallOptions,
  ): Promise<AccessVerdict> {
    const path = `/apis/${AUTHORIZATION}/${plural}`;
    const { status } = await post(path, { apiVersion: AUTHORIZATION, kind, spec }, access, options, true);
    return {
      allowed: status.allowed && status.denied !== true,
      reason: status.reason ?? "",
      evaluationError: status.evaluationError,
    };
  }

  return {
    async tokenRequest(namespace, serviceAccount, options) {
      if (options.audiences.length === 0) throw invalidCall("tokenRequest: name at least one audience");
      const path = objectPath(resources.serviceAccounts, { namespace, name: serviceAccount }, "token");
      const spec = {
        audiences: options.audiences,
        expirationSeconds: options.expirationSeconds,
        boundObjectRef: options.boundObjectRef,
      };
      const body = { apiVersion: AUTHENTICATION, kind: "TokenRequest", spec };
      const { status } = await post(path, body, issued, options, false);
      return { token: status.token, expiresAt: Date.parse(status.expirationTimestamp) };
    },
    async tokenReview(token, audiences, options = {}) {
      if (audiences.length === 0) throw invalidCall("tokenReview: name at least one audience");
      if (token === "") return { authenticated: false, error: "the token is empty" };
      const body = { apiVersion: AUTHENTICATION, kind: "TokenReview", spec: { token, audiences } };
      const answer = await post(`/apis/${AUTHENTICATION}/tokenreviews`, body, reviewed, options, true);
      return tokenVerdict(answer.status, audiences);
    },
    async subjectAccessReview({ attributes, ...subject }, options = {}) {
      const spec = { ...subject, ...attributesOf(attributes) };
      return reviewAccess("subjectaccessreviews", "SubjectAccessReview", spec, options);
    },
    async selfSubjectAccessReview(attributes, options = {}) {
      const spec = attributesOf(attributes);
      return reviewAccess("selfsubjectaccessreviews", "SelfSubjectAccessReview", spec, options);
    },
  };
}
