import { RegistryError } from "./errors.ts";

/**
 * A body of at most `limit` bytes. What comes beyond is not read; a body shorter or longer than its `Content-Length`
 * is refused.
 *
 * @throws RegistryError `too-large`, `mismatch`, or `network` when the answer is cut short.
 */
export async function readBody(response: Response, limit: number, where: string): Promise<Uint8Array> {
  const header = response.headers.get("content-length");
  const declared = header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
  if (declared !== undefined && declared > limit) {
    void response.body?.cancel();
    throw tooLarge(where, limit);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      length += part.byteLength;
      if (length > limit) throw tooLarge(where, limit);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    throw new RegistryError("network", `${where}: the answer was cut short`, { cause: error });
  }
  if (declared !== undefined && declared !== length)
    throw new RegistryError("mismatch", `${where}: announced ${declared} bytes and sent ${length}`);
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

function tooLarge(where: string, limit: number): RegistryError {
  return new RegistryError("too-large", `${where}: more than the ${limit} bytes that are read`);
}
