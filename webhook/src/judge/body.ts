/**
 * Largest body that is read, in bytes: any that an API server sends, or a requester could write an object that nobody
 * judges. It takes 3 MiB and stores 1.5 MiB; a review has an update's object twice, in a JSON in which `<` is `\u003c`.
 */
export const bodyLimit = 32 * 1024 * 1024;

/** A body as JSON, or the HTTP status that refuses it. */
export type Body = { ok: true; value: unknown } | { ok: false; status: 400 | 413 | 415; problem: string };

/** Of a body whose sender went away. */
export const brokenOff: Body = { ok: false, status: 400, problem: "the body ended before it was whole" };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What is read. */
export interface BodyOptions {
  /** Most bytes. @default {@link bodyLimit} */
  limit?: number;
  /** Media type, in lower case. @default "application/json" */
  type?: string;
}

/** Reads a JSON body of at most `limit` bytes. A longer one is given up as soon as that is known. */
export async function readBody(
  request: Request,
  { limit = bodyLimit, type: wanted = "application/json" }: BodyOptions = {},
): Promise<Body> {
  const type = request.headers.get("content-type");
  if (type !== wanted && type?.split(";", 1)[0]?.trim().toLowerCase() !== wanted) {
    return { ok: false, status: 415, problem: `expected content-type ${wanted}` };
  }
  if (request.headers.has("content-encoding")) {
    return { ok: false, status: 415, problem: "expected a body without content-encoding" };
  }
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readBytes(request, limit);
  } catch {
    return brokenOff;
  }
  if (bytes === undefined) return { ok: false, status: 413, problem: `expected at most ${limit} bytes` };
  return parseBody(bytes);
}

/** The bytes of a whole body as JSON. */
export function parseBody(bytes: Uint8Array): Body {
  try {
    return { ok: true, value: JSON.parse(utf8.decode(bytes)) };
  } catch {
    return { ok: false, status: 400, problem: "expected JSON in UTF-8" };
  }
}

/** undefined: longer than the limit. */
async function readBytes(request: Request, limit: number): Promise<Uint8Array | undefined> {
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) > limit) return undefined;
  // The HTTP parser holds a body to its content-length, so one that is named need not be counted again.
  if (length !== null && /^\d+$/.test(length) && !request.headers.has("transfer-encoding")) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    return bytes.length > limit ? undefined : bytes;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
