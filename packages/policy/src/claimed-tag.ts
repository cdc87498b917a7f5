/**
 * Tags that stand beside a digest, as in `repository:tag@sha256:…`. Runtimes go by the digest and never look at the tag,
 * so whoever writes the reference can put any tag there: it is a claim, until the tag was seen to name that digest.
 */
import { formatImageReference, parseImageReference, type ImageReference } from "./image-reference.ts";
import type { Patterns, Policy, Scope } from "./model.ts";
import type { Scans } from "./scan.ts";

/** The reference by its tag alone where a digest is beside it; undefined where the tag is no mere claim, or none is there. */
export function claimedTag({ registry, repository, tag, digest }: ImageReference): string | undefined {
  return tag === undefined || digest === undefined
    ? undefined
    : formatImageReference({ registry, repository, tag });
}

/** Whether the tag was looked up too, and names the digest that is beside it. */
export function isConfirmed(reference: ImageReference, scans: Scans): boolean {
  const alone = claimedTag(reference);
  return alone !== undefined && scans.get(alone)?.digest === reference.digest;
}

/** References, with those by tag alone that have to be looked up besides. Each once. */
export function withTagsToConfirm(policy: Policy, references: Iterable<string>): string[] {
  const all = new Set(references);
  return [...new Set([...all, ...tagsToConfirm(policy, all)])];
}

/** The references by tag alone that have to be looked up besides, because something in the policy goes by tags. */
export function tagsToConfirm(policy: Policy, references: Iterable<string>): string[] {
  if (!asksForTags(policy)) return [];
  const tags = [...references].map((text) => {
    const parsed = parseImageReference(text);
    return parsed.ok ? claimedTag(parsed.reference) : undefined;
  });
  return [...new Set(tags.filter((tag) => tag !== undefined))];
}

const known = new WeakMap<Policy, boolean>();

function asksForTags(policy: Policy): boolean {
  let asks = known.get(policy);
  if (asks === undefined) {
    asks =
      scopesOf(policy).some((scope) => [scope?.image ?? []].flat().some(mayNameTag)) ||
      policy.vex.some(({ products }) => products.some(({ tag }) => tag !== undefined));
    known.set(policy, asks);
  }
  return asks;
}

function scopesOf(policy: Policy): (Scope | undefined)[] {
  const rules = Object.values(policy.rules).flatMap(({ where, except }) => [where, ...[except ?? []].flat()]);
  return [...rules, ...Object.values(policy.exemptions).map(({ where }) => where)];
}

/** Whether a pattern can fit a reference by its tag: it has one, or it is open in front and can begin inside of one. */
function mayNameTag(pattern: string): boolean {
  const named = withoutTagOfDigest(pattern).replace(/^!/, "").replace(/@.*$/, "");
  const open = named.startsWith("*") && named !== "*" && !named.includes("/");
  return open || named.slice(named.lastIndexOf("/") + 1).includes(":");
}

/** Image patterns in which a tag before a whole digest is left out: the digest says which image is meant. */
export function byDigestAlone(patterns: Patterns): Patterns {
  return typeof patterns === "string" ? withoutTagOfDigest(patterns) : patterns.map(withoutTagOfDigest);
}

function withoutTagOfDigest(pattern: string): string {
  return pattern.replace(/:[^/:@]+(?=@sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$)/, "");
}
