/** One challenge of a `WWW-Authenticate` header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  scheme: string;
  /** Names in lower case. Of a name given twice the first counts. */
  parameters: Readonly<Record<string, string>>;
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const quoted = /"((?:[^"\\]|\\.)*)"/y;
const token68 = /[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y;
const blank = /[\s,]*/y;
const equals = /\s*=\s*/y;

/** Longest header that is read. */
const longest = 8192;

/**
 * The challenges of a `WWW-Authenticate` header, in order. Reads up to the first place that is no challenge, so that
 * a strange tail does not hide what came before it.
 */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, longest);
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (expression: RegExp): RegExpExecArray | null => {
    expression.lastIndex = at;
    const match = expression.exec(text);
    if (match !== null) at = expression.lastIndex;
    return match;
  };
  let current: { scheme: string; parameters: Record<string, string> } | undefined;
  for (;;) {
    take(blank);
    const name = take(token)?.[0].toLowerCase();
    if (name === undefined) return challenges;
    if (current !== undefined && take(equals) !== null) {
      const value = take(quoted)?.[1]?.replaceAll(/\\(.)/g, "$1") ?? take(token)?.[0];
      if (value === undefined) return challenges;
      if (!Object.hasOwn(current.parameters, name)) current.parameters[name] = value;
      continue;
    }
    current = { scheme: name, parameters: {} };
    challenges.push(current);
    const before = at;
    // `Negotiate abc==`: one opaque value instead of parameters. `Basic realm=` must not be taken for it.
    take(/\s+/y);
    if (take(token68) === null) at = before;
  }
}
