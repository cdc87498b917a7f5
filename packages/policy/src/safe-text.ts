/** Whole ANSI escape sequences: CSI, OSC and the two-character ones (ECMA-48). */
const escapes =
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-_]/g;

/**
 * Controls, line and paragraph separators, format characters (bidirectional overrides, zero-width characters, tags),
 * private use and lone surrogates: all that can move, hide or reorder the text around it.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]+/gu;

/** Printable ASCII needs no work; nearly everything is. */
const plain = /^[\x20-\x7e]*$/;

/**
 * Text of a requester or scanner as one line that is safe in a terminal, a log and an annotation: escape sequences
 * are gone, each run of unsafe characters and spaces is one space, and it has at most `max` characters (code points), the last
 * of them `…` when it was cut.
 */
export function oneLine(text: string, max: number): string {
  if (text.length <= max && plain.test(text)) return text;
  // Nothing past this point can survive the cut, so hostile lengths cost no more than short ones.
  const head = text.length > max * 8 + 64 ? text.slice(0, max * 8 + 64) : text;
  const clean = plain.test(head)
    ? head
    : head.replace(escapes, " ").replace(unsafe, " ").replace(/ {2,}/g, " ").trim();
  return clip(clean, max, head.length < text.length);
}

/** Number of characters as the API server counts them: code points. */
export function runes(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0xd800 || unit > 0xdbff || at + 1 === text.length) count++;
    else {
      const next = text.charCodeAt(at + 1);
      if (next >= 0xdc00 && next <= 0xdfff) at++;
      count++;
    }
  }
  return count;
}

function clip(text: string, max: number, cutAlready: boolean): string {
  if (!cutAlready && (text.length <= max || runes(text) <= max)) return text;
  return `${Array.from(text)
    .slice(0, Math.max(0, max - 1))
    .join("")}…`;
}

/**
 * The end of a text, which is where references and paths say most: `…/team/app:1.2` of a long reference.
 * The text must be safe already.
 */
export function tail(text: string, max: number): string {
  if (text.length <= max) return text;
  return `…${Array.from(text)
    .slice(-Math.max(0, max - 1))
    .join("")}`;
}
