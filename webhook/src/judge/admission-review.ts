/**
 * AdmissionReview v1 (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/),
 * the request read strictly, the response built to the letter.
 */
import * as z from "zod/mini";
import type { Operation } from "./operation.ts";
import { operations } from "./operation.ts";

const text = z.string();
/** Names may be null where Go writes an empty pointer. */
const maybe = z.nullish(text);
const gvk = z.looseObject({ group: z.string(), version: z.string(), kind: z.string().check(z.minLength(1)) });

const requestSchema = z.looseObject({
  uid: z.string().check(z.minLength(1), z.maxLength(128)),
  kind: gvk,
  subResource: maybe,
  name: maybe,
  namespace: maybe,
  operation: z.enum(operations),
  userInfo: z.looseObject({
    username: maybe,
    groups: z.nullish(z.array(text)),
  }),
  // The API server writes null where there is none; others leave it out.
  object: z.optional(z.unknown()),
  oldObject: z.optional(z.unknown()),
  dryRun: z.nullish(z.boolean()),
});

const reviewSchema = z.looseObject({
  apiVersion: z.literal("admission.k8s.io/v1"),
  kind: z.literal("AdmissionReview"),
  request: requestSchema,
});

/** What the API server asks, as far as the judge uses it. The objects are as they came: nothing in them is checked. */
export interface AdmissionRequest {
  uid: string;
  /** `v1` or `apps/v1` of the object. */
  apiVersion: string;
  kind: string;
  /** Empty when the object itself is asked about. */
  subresource: string;
  namespace: string;
  /** Empty when the API server is to generate it. */
  name: string;
  operation: Operation;
  user: string;
  groups: readonly string[];
  object: unknown;
  oldObject: unknown;
  dryRun: boolean;
}

/** The request of a review, or what is wrong with it. */
export type ParsedReview =
  | { ok: true; request: AdmissionRequest }
  | { ok: false; problems: readonly string[] };

/** Reads a parsed JSON body. Never throws. */
export function parseReview(body: unknown): ParsedReview {
  const parsed = reviewSchema.safeParse(body);
  if (!parsed.success) {
    const problems = parsed.error.issues
      .slice(0, 20)
      .map(
        (issue) => `${issue.path.length === 0 ? "body" : issue.path.map(String).join(".")}: ${issue.message}`,
      );
    return { ok: false, problems };
  }
  const { request } = parsed.data;
  const { group, version, kind } = request.kind;
  return {
    ok: true,
    request: {
      uid: request.uid,
      apiVersion: group === "" ? version : `${group}/${version}`,
      kind,
      subresource: request.subResource ?? "",
      namespace: request.namespace ?? "",
      name: request.name ?? "",
      operation: request.operation,
      user: request.userInfo.username ?? "",
      groups: request.userInfo.groups ?? [],
      object: request.object,
      oldObject: request.oldObject,
      dryRun: request.dryRun === true,
    },
  };
}

/** What the judge answers. */
export type AdmissionAnswer =
  | {
      allowed: true;
      warnings?: readonly string[];
      /** Keys without a slash, at most 63 characters; the API server puts the webhook's name before them. */
      auditAnnotations?: Readonly<Record<string, string>>;
      /** JSON patch (RFC 6902). Only ever in an answer to a mutating call. */
      patch?: readonly PatchOperation[];
    }
  | {
      allowed: false;
      message: string;
      warnings?: readonly string[];
      auditAnnotations?: Readonly<Record<string, string>>;
    };

/** One step of a JSON patch. */
export interface PatchOperation {
  op: "replace" | "test";
  /** JSON pointer (RFC 6901). */
  path: string;
  value: string;
}

/**
 * The body of the answer. A denial has code 400 and no reason: pulumi-kubernetes takes 403 at preview for "may not be
 * previewed" and shows success, while it shows the whole message of a 400.
 */
export function reviewResponse(uid: string, answer: AdmissionAnswer): string {
  const { warnings, auditAnnotations } = answer;
  return JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: {
      uid,
      allowed: answer.allowed,
      ...(answer.allowed ? {} : { status: { code: 400, message: answer.message } }),
      ...(answer.allowed && answer.patch !== undefined && answer.patch.length > 0
        ? { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(answer.patch)).toString("base64") }
        : {}),
      ...(warnings === undefined || warnings.length === 0 ? {} : { warnings }),
      ...(auditAnnotations === undefined ? {} : { auditAnnotations }),
    },
  });
}
