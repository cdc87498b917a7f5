/** Events over HTTP: taken from the judges, read page by page or as a stream. */
import { Hono, type Context } from "hono";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import type { UserInfo } from "@gatehouse/kube";
import type { Log } from "../../judge/log.ts";
import { readBody } from "../../judge/body.ts";
import type { EventStore, StoredEvent } from "../events/event-store.ts";
import type { ReviewStore } from "../events/review-store.ts";
import type { ObserverMetrics } from "../metrics.ts";
import type { Right } from "./access.ts";
import { answer, refusal } from "./answers.ts";
import type { Callers, Sight } from "./callers.ts";
import { createCursors, type Cursor } from "./cursor.ts";
import { wholeNumber } from "./query.ts";
import { untilChanged } from "./until-changed.ts";

/** What the routes are given. */
export interface EventRoutesOptions {
  callers: Callers;
  events: EventStore;
  reviews: ReviewStore;
  /** Tells this process from another, to judges who hand in events. */
  epoch: string;
  /** User name of the judges' service account, whose events are taken. */
  judge: string;
  metrics: Pick<ObserverMetrics, "eventsReceived">;
  log: Log;
}

/** Most bytes of a batch of events. */
export const eventBodyLimit = 4 * 1024 * 1024;
/** The right to read them. */
export const watchEvents: Right = { verb: "get", resource: "events" };
/** Longest that `GET /v1/events?wait=` waits, in seconds. */
const longestWait = 25;
const mostStreams = 100;
/** How often a stream asks whether its viewer may still look, and shows that it lives; milliseconds. */
const streamCheckMs = 30_000;
const eventPage = 500;
const streamedAtOnce = 100;

/** `GET /v1/events`, `GET /v1/events/stream`, `POST /v1/events`. */
export function eventRoutes(options: EventRoutesOptions): Hono {
  const { callers, events, log } = options;
  const app = new Hono();
  const cursors = createCursors();
  let streams = 0;

  const someAfter = (position: number, see: Sight["see"]) => events.after(position, 1, see).length > 0;

  app.get(
    "/v1/events",
    callers.guarded(watchEvents, async (c, { see }) => {
      const from = cursors.read(c.req.query("since"));
      const wait = wholeNumber(c.req.query("wait"), { otherwise: 0, from: 0, to: longestWait });
      const limit = wholeNumber(c.req.query("limit"), { otherwise: eventPage, from: 1, to: eventPage });
      if (from === undefined)
        return refusal(400, "invalid", "since: expected the `next` of an earlier answer");
      if (wait === undefined || limit === undefined)
        return refusal(
          400,
          "invalid",
          `expected wait from 0 to ${longestWait}, limit from 1 to ${eventPage}`,
        );
      const there = () => someAfter(from.position, see);
      if (wait > 0) await untilChanged(events, wait * 1000, c.req.raw.signal, there);
      const found = events.after(from.position, limit, see);
      const reached = found.length === limit ? (found.at(-1)?.position ?? from.position) : events.position;
      return eventAnswer(found, { next: cursors.at(reached), missed: hasMissed(from, see) });
    }),
  );

  function hasMissed({ missed, position }: Cursor, see: Sight["see"]): boolean {
    return missed || (position > 0 && events.forgottenSince(position, see));
  }

  app.get("/v1/events/stream", async (c) => {
    const user = await callers.identify(c);
    if (user instanceof Response) return user;
    const sight = await callers.sight(c, user, watchEvents);
    if (sight instanceof Response) return sight;
    const from = cursors.read(c.req.header("last-event-id") ?? c.req.query("since"));
    if (from === undefined) return refusal(400, "invalid", "since: expected the id of an earlier event");
    if (streams >= mostStreams)
      return refusal(503, "busy", `${mostStreams} streams are open already`, { retryAfterSeconds: 10 });
    streams++;
    return streamSSE(
      c,
      async (stream) => {
        try {
          await follow(c, stream, from, sight.see);
        } finally {
          streams--;
        }
      },
      (error) => {
        log("warn", "a stream of events broke", { error });
        return Promise.resolve();
      },
    );
  });

  async function follow(
    c: Context,
    stream: SSEStreamingApi,
    from: Cursor,
    first: Sight["see"],
  ): Promise<void> {
    const gone = new AbortController();
    stream.onAbort(() => gone.abort());
    let { position } = from;
    let see = first;
    let checkedAt = performance.now();
    if (hasMissed(from, see)) await stream.writeSSE({ event: "missed", data: "{}" });
    while (!stream.aborted && !gone.signal.aborted) {
      for (const found of events.after(position, streamedAtOnce, see)) {
        await stream.writeSSE({ id: cursors.at(found.position), event: "event", data: shown(found) });
        ({ position } = found);
      }
      if (performance.now() - checkedAt >= streamCheckMs) {
        const now = await sightAgain(c);
        if (now instanceof Response) {
          await stream.writeSSE({ event: "end", data: '{"error":"forbidden"}' });
          return;
        }
        ({ see } = now);
        checkedAt = performance.now();
        await stream.writeSSE({ event: "alive", data: "{}" });
      }
      await untilChanged(events, streamCheckMs, gone.signal, () => someAfter(position, see));
    }
  }

  async function sightAgain(c: Context): Promise<Sight | Response> {
    const user: UserInfo | Response = await callers.identify(c);
    return user instanceof Response ? user : await callers.sight(c, user, watchEvents);
  }

  app.post("/v1/events", async (c) => {
    const user = await callers.identify(c);
    if (user instanceof Response) return user;
    if (user.username !== options.judge)
      return refusal(403, "forbidden", `events are taken from ${options.judge} only`);
    const body = await readBody(c.req.raw, {
      limit: eventBodyLimit,
      type: "application/cloudevents-batch+json",
    });
    if (!body.ok) return refusal(body.status, "invalid", body.problem);
    if (!Array.isArray(body.value)) return refusal(400, "invalid", "expected an array of CloudEvents");
    return answer({ ...receive(body.value), observer: options.epoch });
  });

  /** Those that can be read are stored; to send the others again would change nothing. */
  function receive(batch: readonly unknown[]): { stored: number; repeated: number; invalid: number } {
    const { reviews, metrics } = options;
    const about = Map.groupBy(batch, (event) => (reviews.takes(event) ? "review" : "event"));
    const { stored, repeated, problems: unreadable } = events.receive(about.get("event") ?? []);
    const problems = [
      ...unreadable,
      ...(about.get("review") ?? []).flatMap((review) => reviews.receive(review) ?? []),
    ];
    metrics.eventsReceived.inc({ outcome: "stored" }, stored);
    metrics.eventsReceived.inc({ outcome: "repeated" }, repeated);
    metrics.eventsReceived.inc({ outcome: "invalid" }, problems.length);
    if (problems.length > 0)
      log("warn", "events that are none", {
        problems: problems.slice(0, 5).join("; "),
        count: problems.length,
      });
    return { stored, repeated, invalid: problems.length };
  }

  return app;
}

/** An event as viewers get it. Its text is JSON already. */
function shown({ count, firstAt, lastAt, text }: StoredEvent): string {
  return `{"count":${count},"firstAt":${JSON.stringify(firstAt)},"lastAt":${JSON.stringify(lastAt)},"event":${text}}`;
}

function eventAnswer(
  found: readonly StoredEvent[],
  { next, missed }: { next: string; missed: boolean },
): Response {
  const body = `{"next":${JSON.stringify(next)},"missed":${missed},"events":[${found.map(shown).join(",")}]}\n`;
  return new Response(body, { headers: { "content-type": "application/json", "cache-control": "no-store" } });
}
