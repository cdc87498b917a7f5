/**
 * The gate's own form of EPSS and CISA's catalogue of known exploited vulnerabilities, small enough for a ConfigMap.
 * EPSS rates every published CVE, hundreds of thousands: scores below `omittedBelow` are left out and only their CVEs
 * are kept, as runs of numbers, so that one rated low can be told from one that nobody rated.
 */
import * as z from "zod/mini";

const day = z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/, "a day such as 2026-11-21"));
const cve = z.string().check(z.regex(/^CVE-\d{4}-\d{4,}$/, "a CVE such as CVE-2026-1234"));
/**
 * Runs of numbers, each as its distance from the last number of the run before (from 0 for the first) and, after a
 * plus, how many follow its first: `2+1,4` is 2, 3 and 7. Half the size of plain ranges.
 */
const runs = z.string().check(z.regex(/^(?:\d+(?:\+\d+)?(?:,\d+(?:\+\d+)?)*)?$/, "runs such as 2+1,4"));

/** Names this form and its version in each file; a file of another form is not read. */
export const feedFormat = "gatehouse.dev/exploit-feed/v1";

/** A file as `gatehouse feed` writes it. Either part may be missing, and what it would say is then unknown. */
export const feedSchema = z.strictObject({
  format: z.literal(feedFormat),
  /** Exploit Prediction Scoring System (https://www.first.org/epss/). */
  epss: z.optional(
    z.strictObject({
      /** Day of the model's run. */
      date: day,
      /** Scores below this are left out. 0: none are. */
      omittedBelow: z.number().check(z.minimum(0), z.maximum(1)),
      scores: z.record(cve, z.number().check(z.minimum(0), z.maximum(1))),
      /** CVEs that are rated below it: year to runs of numbers. */
      omitted: z.record(z.string().check(z.regex(/^\d{4}$/)), runs),
    }),
  ),
  /** https://www.cisa.gov/known-exploited-vulnerabilities-catalog */
  kev: z.optional(
    z.strictObject({
      /** Day on which the catalogue was released. */
      date: day,
      cves: z.array(cve),
    }),
  ),
});
/** One dated feed. */
export type ExploitFeed = z.infer<typeof feedSchema>;
