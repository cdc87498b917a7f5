/** Events of the observer, page by page. */
import { UsageError } from "../exit.ts";
import { refused, type ObserverConnection } from "./connection.ts";

/** An event as the observer shows it. */
export interface ShownEvent {
  count: number;
  firstAt: string;
  lastAt: string;
  /** The CloudEvent as it was said last. */
  event: unknown;
}

/** A page of them. */
export interface EventPage {
  /** Some are gone that nobody has shown. */
  missed: boolean;
  events: readonly ShownEvent[];
}

const pageSize = 500;
/** How long the observer waits for the next event, in seconds, and how long we wait for the observer. */
const waitSeconds = 25;
const answerMs = 60_000;

/**
 * Reads what there is and, with `follow`, goes on until the signal fires.
 *
 * @throws UsageError when the observer refuses
 */
export async function* readEvents(
  connection: ObserverConnection,
  options: { follow: boolean; signal: AbortSignal; namespace?: string },
): AsyncGenerator<EventPage> {
  const { follow, signal, namespace } = options;
  let since: string | undefined;
  let caughtUp = false;
  while (!signal.aborted) {
    let answer;
    try {
      answer = await connection.get("/v1/events", {
        query: { since, namespace, limit: pageSize, wait: caughtUp ? waitSeconds : undefined },
        timeoutMs: answerMs,
        signal,
      });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (answer.status !== 200)
      throw refused(answer.status, `the observer answered ${answer.status}: ${messageOf(answer.text)}`);
    const page = pageOf(answer.text);
    since = page.next;
    caughtUp = page.events.length < pageSize;
    if (page.events.length > 0 || page.missed) yield page;
    if (caughtUp && !follow) return;
  }
}

function pageOf(text: string): EventPage & { next: string } {
  const value = JSON.parse(text) as Partial<EventPage & { next: string }> | null;
  if (typeof value?.next !== "string" || !Array.isArray(value.events))
    throw new UsageError("GH3026", "the observer is of another version: its events cannot be read");
  return { next: value.next, missed: value.missed === true, events: value.events };
}

function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message : "no reason given";
  } catch {
    return "no reason given";
  }
}
