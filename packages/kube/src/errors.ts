/**
 * What went wrong with a call to the API server, as a word to switch on:
 * - `not-found` 404, `conflict` 409 (also "already exists", see `reason`), `forbidden` 403, `gone` 410,
 *   `unauthorized` 401 or no usable credential, `invalid` any other 4xx or a call that was never sent because its
 *   arguments cannot be right, `throttled` 429.
 * - `unavailable`: no connection, 502, 503, 504, or etcd without a leader. It may work later.
 * - `timeout`: the deadline or the caller's signal ended the wait. Whether a write happened is not known.
 * - `unexpected`: an answer that is not understood. It never stands for "nothing there".
 */
export type KubeErrorCode =
  | "not-found"
  | "conflict"
  | "forbidden"
  | "gone"
  | "unauthorized"
  | "invalid"
  | "throttled"
  | "unavailable"
  | "timeout"
  | "unexpected";

/** What was asked: the HTTP method and the path. Query, headers and body are left out, they may hold secrets. */
export interface Asked {
  readonly method: string;
  readonly path: string;
}

/** The parts of a {@link KubeError}. */
export interface KubeErrorDetail {
  readonly code: KubeErrorCode;
  /** The API server's own message, or ours when there was no answer. */
  readonly detail: string;
  readonly asked?: Asked | undefined;
  /** HTTP status, absent when no answer came. */
  readonly status?: number | undefined;
  /** The `reason` of the API server's Status object, such as `AlreadyExists`. */
  readonly reason?: string | undefined;
  /** How long the server asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** The only error this package throws for a failed call. Never holds a token. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly code: KubeErrorCode;
  readonly detail: string;
  readonly asked: Asked | undefined;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(parts: KubeErrorDetail) {
    const where = parts.asked ? `${parts.asked.method} ${parts.asked.path}: ` : "";
    const status = parts.status === undefined ? "" : ` (HTTP ${parts.status})`;
    super(
      `${where}${parts.code}${status}: ${parts.detail}`,
      parts.cause === undefined ? {} : { cause: parts.cause },
    );
    this.code = parts.code;
    this.detail = parts.detail;
    this.asked = parts.asked;
    this.status = parts.status;
    this.reason = parts.reason;
    this.retryAfterMs = parts.retryAfterMs;
  }
}

/** True for a {@link KubeError}, with this code when one is given. */
export function isKubeError(error: unknown, code?: KubeErrorCode): error is KubeError {
  return error instanceof KubeError && (code === undefined || error.code === code);
}

/** An error of arguments that cannot be right; nothing was sent. */
export function invalidCall(detail: string, asked?: Asked): KubeError {
  return new KubeError({ code: "invalid", detail, asked });
}
