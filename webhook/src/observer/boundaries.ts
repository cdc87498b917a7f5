import { endOf, type Policy } from "@gatehouse/policy";

const dayMs = 86_400_000;

/**
 * The next moment at which time alone may change what many workloads come to: midnight UTC, or the end of an
 * exemption or of a grace for running digests, whichever is first. Milliseconds since 1970.
 */
export function nextBoundary(policy: Policy, now: number): number {
  const ends = [
    ...Object.values(policy.exemptions).map(({ until }) => until),
    ...Object.values(policy.rules).map(({ running }) => running?.admitUntil),
  ].flatMap((text) => (text === undefined ? [] : (endOf(text) ?? [])));
  const midnight = (Math.floor(now / dayMs) + 1) * dayMs;
  return Math.min(midnight, ...ends.filter((end) => end > now));
}
