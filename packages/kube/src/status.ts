import * as z from "zod/mini";
import { KubeError, type Asked, type KubeErrorCode } from "./errors.ts";

/** `v1.Status`, the API server's answer to anything it does not do (apimachinery `meta/v1/types.go`). */
const statusSchema = z.looseObject({
  kind: z.literal("Status"),
  status: z.optional(z.string()),
  message: z.optional(z.string()),
  reason: z.optional(z.string()),
  code: z.optional(z.number()),
  details: z.optional(z.nullable(z.looseObject({ retryAfterSeconds: z.optional(z.number()) }))),
});

/** A Status object as the API server sends it. */
export type Status = z.infer<typeof statusSchema>;

/** The value as a Status object, or undefined when it is none. */
export function asStatus(value: unknown): Status | undefined {
  const parsed = statusSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** Text as a Status object, or undefined when it is none. */
export function parseStatus(text: string): Status | undefined {
  try {
    return asStatus(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The code of an HTTP status. A 500 is `unavailable` only when etcd or a server-side time limit is behind it. */
export function codeOf(http: number, status: Status | undefined): KubeErrorCode {
  switch (http) {
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not-found";
    case 409:
      return "conflict";
    case 410:
      return "gone";
    case 429:
      return "throttled";
    case 408:
      return "timeout";
    case 502:
    case 503:
    case 504:
      return "unavailable";
    case 500:
      return status?.reason === "ServerTimeout" || status?.message?.startsWith("etcdserver:")
        ? "unavailable"
        : "unexpected";
    default:
      return http >= 400 && http < 500 ? "invalid" : "unexpected";
  }
}

/** `Retry-After` in milliseconds; only its seconds form, the one the API server sends. */
export function retryAfterMs(header: string | null, status: Status | undefined): number | undefined {
  if (header !== null && /^\d{1,6}$/.test(header.trim())) return Number(header) * 1000;
  const seconds = status?.details?.retryAfterSeconds;
  return seconds !== undefined && seconds > 0 ? seconds * 1000 : undefined;
}

/** The error of an answer that is not a success. The quoted text is cut to 2,000 characters. */
export function errorOfAnswer(
  asked: Asked,
  http: number,
  text: string,
  retryAfter: string | null,
): KubeError {
  const status = parseStatus(text);
  const said = status?.message ?? (text.trim() === "" ? "no message" : text.trim());
  return new KubeError({
    code: codeOf(http, status),
    detail: said.slice(0, 2000),
    asked,
    status: http,
    reason: status?.reason,
    retryAfterMs: retryAfterMs(retryAfter, status),
  });
}

/** The error of a Status that came inside a stream, where HTTP already said 200. */
export function errorOfStatus(asked: Asked, status: Status): KubeError {
  const http = status.code ?? 500;
  const expired = status.reason === "Expired" || status.reason === "Gone";
  return new KubeError({
    code: expired ? "gone" : codeOf(http, status),
    detail: (status.message ?? "no message").slice(0, 2000),
    asked,
    status: http,
    reason: status.reason,
    retryAfterMs: retryAfterMs(null, status),
  });
}
