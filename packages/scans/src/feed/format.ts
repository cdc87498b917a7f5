/**
 * The gate's own form of EPSS and CISA's catalogue of known exploited vulnerabilities, small enough for a ConfigMap.
 * EPSS rates every published CVE, hundreds of thousands: scores below `omittedBelow` are left out and only their CVEs
 * are kept, as ranges, so that one rated low can be told from one that nobody rated.
 */
import * as z from "zod/mini";

const day = z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/, "a day such as 2026-11-21"));
const cve = z.string().check(z.regex(/^CVE-\d{4}-\d{4,}$/, "a CVE such as CVE-2026-1234"));
const ranges = z
  .string()
  .check(z.regex(/^(?:\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)?$/, "numbers and ranges such as 1-5,7"));

export const feedFormat = "gatehouse.dev/exploit-feed/v1";

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
      /** CVEs that are rated below it: year to numbers. */
      omitted: z.record(z.string().check(z.regex(/^\d{4}$/)), ranges),
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
