/** What came of checking one signature. Never thrown: a bad signature is an answer. */
export type Verdict = { trusted: true; identity: string } | { trusted: false; problem: string };

/** The answer that a signature does not count, and why. */
export function distrust(problem: string): Verdict {
  return { trusted: false, problem };
}
