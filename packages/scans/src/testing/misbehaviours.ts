import type { Misbehaviour } from "./fake-registry.ts";

/** Only for requests whose path matches; the others are answered as ever. */
export function on(path: RegExp, misbehaviour: Misbehaviour): Misbehaviour {
  return async (request, next) =>
    path.test(new URL(request.url).pathname) ? await misbehaviour(request, next) : await next();
}

/** Only for the first `times` requests that it is asked about. */
export function firstTimes(times: number, misbehaviour: Misbehaviour): Misbehaviour {
  let left = times;
  return async (request, next) => (left-- > 0 ? await misbehaviour(request, next) : await next());
}

/** Answers after so many milliseconds. */
export function slow(ms: number): Misbehaviour {
  return async (_request, next) => {
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
    return await next();
  };
}

/** Never answers, until the caller gives up. */
export const silent: Misbehaviour = async (request) =>
  await new Promise((_resolve, reject) => {
    request.signal.addEventListener("abort", () => reject(request.signal.reason as Error), { once: true });
  });

/** Answers with this status and nothing else. */
export function answers(status: number, headers: Record<string, string> = {}): Misbehaviour {
  return () => new Response(null, { status, headers });
}

/** Sends the caller somewhere else. */
export function redirects(location: string): Misbehaviour {
  return answers(307, { location });
}

/** Claims the right digest and sends other bytes of the same length. */
export const wrongBytes: Misbehaviour = async (_request, next) => {
  const response = await next();
  const bytes = new Uint8Array(await response.arrayBuffer());
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return new Response(bytes, { status: response.status, headers: response.headers });
};

/** Announces one byte more than it sends. */
export const wrongLength: Misbehaviour = async (_request, next) => {
  const response = await next();
  const bytes = new Uint8Array(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.set("content-length", String(bytes.byteLength + 1));
  return new Response(bytes, { status: response.status, headers });
};

/** Announces another digest than the bytes have. */
export const wrongDigestHeader: Misbehaviour = async (_request, next) => {
  const response = await next();
  const headers = new Headers(response.headers);
  headers.set("docker-content-digest", `sha256:${"0".repeat(64)}`);
  return new Response(response.body, { status: response.status, headers });
};
