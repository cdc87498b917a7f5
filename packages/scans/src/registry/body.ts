import type { LimitFunction } from "p-limit";
import { RegistryError } from "./errors.ts";

/** Bytes that are read of every body without waiting for a turn: nearly all manifests and small reports whole. */
const small = 256 * 1024;

/**
 * A body of at most `limit` bytes. What comes beyond is not read; a body shorter or longer than its `Content-Length`
 * is refused.
 *
 * @param large bodies that turn out to be large are read on in its turns only, so that many of them at once, which
 *   whoever pushes can make, do not fill the memory. What waits stays with its sender.
 * @throws RegistryError `too-large`, `mismatch`, or `network` when the answer is cut short.
 */
export async function readBody(
  response: Response,
  limit: number,
  where: string,
  large?: LimitFunction,
): Promise<Uint8Array> {
  const header = response.headers.get("content-length");
  const declared = header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
  if (declared !== undefined && declared > limit) {
    void response.body?.cancel();
    throw tooLarge(where, limit);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  const body = (response.body as AsyncIterable<Uint8Array> | null)?.[Symbol.asyncIterator]();
  /** Whether there may be more. */
  const readUpTo = async (enough: number): Promise<boolean> => {
    while (length <= enough) {
      const next = await body?.next();
      if (next === undefined || next.done === true) return false;
      length += next.value.byteLength;
      if (length > limit) throw tooLarge(where, limit);
      parts.push(next.value);
    }
    return true;
  };
  try {
    const more = await readUpTo(large === undefined ? limit : small);
    if (more && large !== undefined) await large(async () => await readUpTo(limit));
  } catch (error) {
    // Ends the transfer: nobody reads on.
    void body?.return?.();
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
