/** One CVSS base score, as one party gave it. */
export interface CvssScore {
  /** Of CVSS itself: 2, 3, 3.1, 4. */
  version: number;
  score: number;
  /** Smaller is preferred among scores of one version. */
  preference: number;
}

/** The score of the newest CVSS version; of several, the preferred one, then the higher. */
export function newestScore(scores: readonly CvssScore[]): number | undefined {
  const [first] = [...scores].sort(
    (a, b) =>
      Math.trunc(b.version) - Math.trunc(a.version) ||
      a.preference - b.preference ||
      b.version - a.version ||
      b.score - a.score,
  );
  return first?.score;
}
