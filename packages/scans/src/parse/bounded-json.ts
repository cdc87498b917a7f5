const [quote, backslash] = [0x22, 0x5c];
const [comma, list, object] = [0x2c, 0x5b, 0x7b];

/**
 * Most values, keys not counted, of a document that is a report. A report of 32 MiB has about so many; each takes up to
 * a hundred bytes of memory once it is parsed, whatever it takes as text.
 */
export const mostReportValues = 1_000_000;

/**
 * Parses JSON in UTF-8 whose author is anybody's guess. Two bytes of text can become forty bytes of memory (`[],[],…`),
 * and millions of such values stop the process for seconds: what has more than `most` values is not parsed.
 *
 * @throws RangeError for more values, SyntaxError for what is no JSON, TypeError for what is no UTF-8
 */
export function parseBoundedJson(bytes: Uint8Array, most: number): unknown {
  if (hasMoreValues(bytes, most)) throw new RangeError(`more than the ${most} values that are read`);
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

/** Whether JSON may have more than `most` values: each but the first stands behind a comma or an opening bracket. */
function hasMoreValues(bytes: Uint8Array, most: number): boolean {
  if (bytes.length <= most) return false;
  let count = 1;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) at = endOfString(bytes, at);
    else if (byte === comma || byte === list || byte === object) {
      count += 1;
      if (count > most) return true;
    }
  }
  return false;
}

/** The index of the quote that ends the string which begins at `start`; the length where none does. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at;
}
