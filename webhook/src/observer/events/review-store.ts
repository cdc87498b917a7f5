/** What was judged at admission, the latest of each that is the same, as it can be judged again. */
import { oneLine, reportsWanted, reviewEventSchema, reviewEventType, type Platform } from "@gatehouse/policy";
import { createInterner } from "../inventory/intern.ts";

/** One review as it is held: parsed when somebody asks for it, since few ever do. */
export interface StoredReview {
  /** Grows with every review, of whatever namespace. */
  readonly position: number;
  readonly namespace: string;
  /** The review's JSON. */
  readonly text: string;
  /** The reports by which it was judged, as they can be looked up. */
  readonly wanted: readonly { readonly reference: string; readonly platforms: readonly Platform[] }[];
}

/** Reviews, bounded in number and characters, for a replay of what was judged. */
export interface ReviewStore {
  /** Whether an event, as parsed from JSON, is one about a review. */
  takes(event: unknown): boolean;
  /** Takes it. Returns what is wrong with it, if anything is: what is not known to be needed is not held. */
  receive(event: unknown): string | undefined;
  /** Those after a position, oldest first. */
  after(position: number): IterableIterator<StoredReview>;
  readonly size: number;
  readonly bytes: number;
}

/** An empty store. Older reviews make room for newer ones. */
export function createReviewStore(options: { maxReviews?: number; maxBytes?: number } = {}): ReviewStore {
  const { maxReviews = 20_000, maxBytes = 24 * 1024 * 1024 } = options;
  // In the order of their positions, since one that comes again is put at the end.
  const reviews = new Map<string, StoredReview>();
  const intern = createInterner();
  let position = 0;
  let bytes = 0;

  function forget(key: string): void {
    bytes -= reviews.get(key)?.text.length ?? 0;
    reviews.delete(key);
  }

  return {
    takes: (event) => (event as { type?: unknown } | null)?.type === reviewEventType,
    receive(event) {
      const parsed = reviewEventSchema.safeParse(event);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        return oneLine(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not a review"}`, 300);
      }
      const { key, review } = parsed.data.data;
      forget(key);
      const text = JSON.stringify(review);
      reviews.set(key, {
        position: ++position,
        namespace: review.subject.namespace.name,
        text,
        wanted: intern(review.images.flatMap((image) => reportsWanted(image) ?? [])),
      });
      bytes += text.length;
      for (const oldest of reviews.keys()) {
        if (reviews.size <= maxReviews && bytes <= maxBytes) break;
        forget(oldest);
      }
      return undefined;
    },
    *after(from) {
      for (const review of reviews.values()) if (review.position > from) yield review;
    },
    get size() {
      return reviews.size;
    },
    get bytes() {
      return bytes;
    },
  };
}
