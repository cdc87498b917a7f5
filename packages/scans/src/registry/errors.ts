import { oneLine } from "@gatehouse/policy";

/**
 * Why a registry gave no answer that can be used. `code` says what to do about it; `outcomeOf` in `../look-up.ts`
 * brings it to a scan state.
 *
 * - `not-found`: the registry answered and has no such thing.
 * - `denied`: credentials are missing, wrong, or not allowed to read this repository.
 * - `throttled`: the registry, or our own limit on it, asks for less.
 * - `broken`: the circuit to this host is open after failures in a row; nothing was sent.
 * - `network`: no answer, an answer cut short, or a server error.
 * - `mismatch`: the bytes are not those that the digest or the length names.
 * - `too-large`: more bytes than are ever needed.
 * - `malformed`: the answer is not what the protocol has there.
 * - `unsupported`: a form that exists but is not read here (Docker schema 1, sha512 digests).
 * - `refused`: the gate's own rules forbid where this would lead (realms, redirects, addresses).
 */
export type RegistryErrorCode =
  | "not-found"
  | "denied"
  | "throttled"
  | "broken"
  | "network"
  | "mismatch"
  | "too-large"
  | "malformed"
  | "unsupported"
  | "refused";

/** A failed request to a registry. The message names the registry and is one line, safe to show to a requester. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly code: RegistryErrorCode;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** When the registry said to come back, in milliseconds from its answer. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: RegistryErrorCode,
    message: string,
    options: { cause?: unknown; status?: number | undefined; retryAfterMs?: number | undefined } = {},
  ) {
    super(oneLine(message, 300), options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}
