/** A failed request of the fake, answered as a Status object. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: number, reason: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The Status object of a refusal. */
export function statusOf(refusal: Refusal): object {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: refusal.message,
    reason: refusal.reason,
    ...(refusal.retryAfterSeconds === undefined
      ? {}
      : { details: { retryAfterSeconds: refusal.retryAfterSeconds } }),
    code: refusal.code,
  };
}

/** JSON with a status. */
export function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
}

/** The answer of a refusal. */
export function refused(refusal: Refusal): Response {
  const response = json(statusOf(refusal), refusal.code);
  if (refusal.retryAfterSeconds !== undefined) {
    response.headers.set("retry-after", String(refusal.retryAfterSeconds));
  }
  return response;
}
