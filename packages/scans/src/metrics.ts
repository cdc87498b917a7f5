import type { ScanState } from "@gatehouse/policy";
import type { FeedState } from "./feed/exploit-feed.ts";
import type { RegistryErrorCode } from "./registry/errors.ts";

/** What happens while scans are looked up, for whoever counts it. Each function is optional and must not throw. */
export interface ScanMetrics {
  /**
   * A cache was asked. `hit`: fresh. `stale`: answered with what was there, and asked again behind it. `joined`: waits
   * for a look-up that is under way. `miss`: started one.
   */
  cache?: (event: { cache: "report" | "image"; outcome: "hit" | "stale" | "joined" | "miss" }) => void;
  /** Held now: reports, distinct findings in them, and an estimate of their bytes. */
  cacheSize?: (size: { reports: number; findings: number; bytes: number }) => void;
  /** The exploit feed was read. */
  feed?: (state: FeedState) => void;
  /** A source answered a question about one image. */
  asked?: (answer: { source: string; state: ScanState; seconds: number }) => void;
  /** A reference could not be resolved. */
  unresolved?: (failure: { registry: string; code: RegistryErrorCode | "other"; seconds: number }) => void;
}
