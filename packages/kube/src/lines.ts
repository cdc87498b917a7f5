import { KubeError, type Asked } from "./errors.ts";

/**
 * The lines of a stream, without their line ends; empty lines are skipped. A last line without an end is dropped:
 * it was cut off.
 *
 * @param limit Longest line, in bytes; a longer one is an `unexpected` error, so memory stays bounded
 */
export async function* linesOf(
  asked: Asked,
  stream: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<string, void> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      held.push(chunk.subarray(from, end));
      size += end - from;
      if (size > limit) break;
      const line = Buffer.concat(held).toString("utf8").trim();
      held = [];
      size = 0;
      from = end + 1;
      if (line !== "") yield line;
    }
    // A copy, not a view: a few bytes must not keep a whole chunk alive.
    const rest = Uint8Array.from(chunk.subarray(from));
    size += rest.byteLength;
    if (size > limit) {
      throw new KubeError({
        code: "unexpected",
        asked,
        detail: `a watch sent a line of more than ${limit} bytes`,
      });
    }
    if (rest.byteLength > 0) held.push(rest);
  }
}
