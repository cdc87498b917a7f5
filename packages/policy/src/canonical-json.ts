import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { InvalidInputError, type Problem } from "./problems.ts";

/** Deeper than anything that people write; keeps recursion away from the end of the stack. */
const deepest = 200;

/**
 * The one JSON text of a value: keys sorted by UTF-16 code unit, no white space, so that equal data has equal bytes
 * and an equal hash. Fields that are undefined are left out, as if they were not there; `-0` becomes `0`.
 *
 * Where RFC 8785 (JSON canonicalisation) says the same, it is followed: order of keys, numbers and strings as
 * ECMAScript writes them.
 *
 * @param what names the value in an error: "the policy"
 * @throws {InvalidInputError} for what JSON cannot hold (NaN, infinities, functions, symbols, bigint, undefined in an
 *   array, instances of classes such as Date or Map, cycles, more than 200 levels), with every such place.
 */
export function canonicalJson(value: unknown, what = "the value"): string {
  const problems: Problem[] = [];
  const text = write(value, "", [], problems);
  if (problems.length > 0) throw new InvalidInputError("GH3004", what, problems);
  return text;
}

/** SHA-256 of a text's UTF-8 bytes, as 64 lower-case hexadecimal digits. */
export function sha256Hex(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

function write(value: unknown, path: string, above: readonly object[], problems: Problem[]): string {
  const refuse = (problem: string) => {
    problems.push({ path, problem });
    return "";
  };
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number")
    return Number.isFinite(value) ? JSON.stringify(value) : refuse(`expected a finite number, got ${value}`);
  if (typeof value !== "object")
    return refuse(
      `expected a value that JSON can hold, got ${value === undefined ? "undefined" : `a ${typeof value}`}`,
    );
  if (above.includes(value)) return refuse("expected a tree, got an object that contains itself");
  if (above.length >= deepest) return refuse(`expected at most ${deepest} levels`);

  const inside = [...above, value];
  if (Array.isArray(value)) {
    // By index, since map leaves holes out.
    const items = Array.from({ length: value.length }, (_, index) =>
      write(value[index], `${path}[${index}]`, inside, problems),
    );
    return `[${items.join(",")}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    return refuse("expected a plain object, got an instance of a class");
  if (Object.getOwnPropertySymbols(value).length > 0) return refuse("expected keys of text, got a symbol");
  const fields = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${write(inner, pathTo(path, key), inside, problems)}`);
  return `{${fields.join(",")}}`;
}

function pathTo(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
