import type { EventStore } from "../events/event-store.ts";

/** Resolves when there is something, or the time is up, or the caller has gone. */
export async function untilChanged(
  events: Pick<EventStore, "subscribe">,
  atMost: number,
  signal: AbortSignal,
  there: () => boolean,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      leave();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, atMost);
    const leave = events.subscribe(() => {
      if (there()) done();
    });
    signal.addEventListener("abort", done);
    if (signal.aborted || there()) done();
  });
}
