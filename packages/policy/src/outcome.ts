import type { Outcome } from "./model.ts";

/** The worst of several outcomes; `allow` of none. */
export function worst(all: readonly Outcome[]): Outcome {
  return all.reduce(worse, "allow" as Outcome);
}

/** The stricter of two outcomes. */
export function worse(a: Outcome, b: Outcome): Outcome {
  return severer(b, a) ? b : a;
}

/** Whether `a` is stricter than `b`. */
export function severer(a: Outcome, b: Outcome): boolean {
  return a !== b && (a === "deny" || b === "allow");
}
