import type { Finding } from "@gatehouse/policy";

/** Findings that are equal in every field, held once however many reports have them. */
export interface FindingPool {
  /** The shared, frozen findings. Each call must be matched by one of `release`. */
  share(findings: readonly Finding[]): readonly Finding[];
  /** Takes back what `share` gave, the very objects; others are ignored. */
  release(findings: readonly Finding[]): void;
  readonly size: number;
  /** An estimate of the heap they take. */
  readonly bytes: number;
}

interface Held {
  bucket: string;
  uses: number;
  bytes: number;
}

/** Object headers, the entries of both maps and the key, measured with Node 24 on findings of ten fields. */
const overheadBytes = 600;
/** Findings alike in id and package but not in the rest; beyond so many, more are held but no longer compared. */
const longestBucket = 32;

/** An empty pool. It counts who uses a finding, and forgets one when its last user has released it. */
export function createFindingPool(): FindingPool {
  const buckets = new Map<string, Finding[]>();
  const held = new Map<Finding, Held>();
  let bytes = 0;

  function shareOne(finding: Finding): Finding {
    const key = bucketOf(finding);
    const bucket = buckets.get(key);
    const known = bucket?.find((one) => isSame(one, finding));
    const entry = known === undefined ? undefined : held.get(known);
    if (known !== undefined && entry !== undefined) {
      entry.uses++;
      return known;
    }
    // A copy, so that neither the source's object nor a document it hangs on lives on in here.
    const text = JSON.stringify(finding);
    const copy = freeze(JSON.parse(text) as Finding);
    const size = text.length * 2 + overheadBytes;
    if (bucket === undefined) buckets.set(key, [copy]);
    else if (bucket.length < longestBucket) bucket.push(copy);
    held.set(copy, { bucket: key, uses: 1, bytes: size });
    bytes += size;
    return copy;
  }

  function forget(finding: Finding, { bucket: key, bytes: size }: Held): void {
    held.delete(finding);
    bytes -= size;
    const bucket = buckets.get(key);
    const at = bucket?.indexOf(finding) ?? -1;
    if (at !== -1) bucket?.splice(at, 1);
    if (bucket?.length === 0) buckets.delete(key);
  }

  return {
    share: (findings) => Object.freeze(findings.map(shareOne)),
    release(findings) {
      for (const finding of findings) {
        const entry = held.get(finding);
        if (entry !== undefined && --entry.uses === 0) forget(finding, entry);
      }
    },
    get size() {
      return held.size;
    },
    get bytes() {
      return bytes;
    },
  };
}

function bucketOf({ id, package: found }: Finding): string {
  return `${id} ${found?.name ?? ""} ${found?.version ?? ""} ${found?.path ?? ""}`;
}

/**
 * Whether two findings, or parts of them, are equal in every field that their JSON would have. Node's own comparison asks
 * far more than that of each of a report's findings, and a report has hundreds.
 */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((one, index) => isSame(one, b[index]))
    );
  const [of, other] = [a as Fields, b as Fields];
  for (const key in of) if (!isSame(of[key], other[key])) return false;
  for (const key in other) if (of[key] === undefined && other[key] !== undefined) return false;
  return true;
}

type Fields = Readonly<Record<string, unknown>>;

function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
