import { Hono, type Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { UserInfo } from "@gatehouse/kube";
import type { Log } from "../../judge/log.ts";
import { readBody } from "../../judge/body.ts";
import type { Background } from "../background.ts";
import type { EventStore, StoredEvent } from "../events/event-store.ts";
import { inventoryPage, runningDigests } from "../inventory-view.ts";
import type { ImpactService } from "../impact-service.ts";
import type { ObserverMetrics } from "../metrics.ts";
import { tokenHeader, type Access, type Right, type Visible } from "./access.ts";
import { answer, refusal, streamedAnswer } from "./answers.ts";
import { parseCursor, cursorAt } from "./cursor.ts";
import { parseImpactRequest } from "./impact-request.ts";
import { snapshotPage, type SnapshotSource } from "../snapshot-pages.ts";
import { untilChanged } from "./until-changed.ts";

/** What the app is given. */
export interface ObserverAppOptions {
  access: Access;
  /** Undefined until this instance holds the lease and has read the cluster. */
  background: () => Background | undefined;
  impact: ImpactService;
  events: EventStore;
  snapshot: SnapshotSource;
  /** Tells positions of this process from those of another. */
  epoch: string;
  /** User name of the judges' service account, whose events are taken. */
  judge: string;
  metrics: Pick<ObserverMetrics, "requests" | "eventsReceived" | "failures">;
  /** Why it is not ready, in one line; undefined when it is. */
  notReady: () => string | undefined;
  log: Log;
}

/** Most bytes of a proposal, and of a batch of events. */
export const impactBodyLimit = 2 * 1024 * 1024;
export const eventBodyLimit = 4 * 1024 * 1024;
/** Longest that `GET /v1/events?wait=` waits, in seconds. */
const longestWait = 25;
const mostStreams = 100;
/** How often a stream asks whether its viewer may still look, and shows that it lives; milliseconds. */
const streamCheckMs = 30_000;
const eventPage = 500;

type Handler = (c: Context, visible: (namespace: string) => boolean) => Response | Promise<Response>;

/**
 * The observer over HTTP: `POST /v1/impact`, `GET /v1/inventory`, `/v1/running`, `/v1/snapshot`, `/v1/events`, `/v1/events/stream`,
 * `POST /v1/events`, `GET /healthz`, `/readyz`. Who may ask what: see `access.ts`.
 *
 * @example
 * const app = observerApp(options);
 * await app.request("/v1/inventory?namespace=shop", { headers: { "X-Gatehouse-Token": token } });
 */
export function observerApp(options: ObserverAppOptions): Hono {
  const { access, metrics, events, log } = options;
  const app = new Hono();
  let streams = 0;

  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => {
    const why = options.notReady();
    return why === undefined ? c.text("ok\n") : c.text(`not ready: ${why}\n`, 503);
  });
  app.use("/v1/*", async (c, next) => {
    await next();
    metrics.requests.inc({ route: routeLabel(c.req.path), status: String(c.res.status) });
  });

  /** Somebody's right over the namespaces that there are, or over the one that `?namespace=` names. */
  async function visibleTo(
    c: Context,
    user: UserInfo,
    right: Right,
  ): Promise<{ see: (namespace: string) => boolean } | Response> {
    const only = c.req.query("namespace");
    const found = await access.visibleNamespaces(user, right, only === undefined ? allNamespaces() : [only]);
    if ("refused" in found) return refusal(found.refused.status, found.refused.error, found.refused.message);
    return { see: seer(found.visible, only) };
  }

  function allNamespaces(): Set<string> {
    const names = new Set<string>();
    for (const { subjects } of options.background()?.values() ?? []) names.add(subjects.namespace);
    for (const { namespace } of events.latest()) names.add(namespace);
    return names;
  }

  function guarded(right: Right, handle: Handler): (c: Context) => Promise<Response> {
    return async (c) => {
      const who = await access.identify(c.req.header(tokenHeader));
      if ("refused" in who) return refusal(who.refused.status, who.refused.error, who.refused.message);
      const visible = await visibleTo(c, who.user, right);
      return visible instanceof Response ? visible : await handle(c, visible.see);
    };
  }

  /** The inventory, once it was read. */
  function whenReady(handle: (background: Background) => Response | Promise<Response>) {
    const background = options.background();
    const why = options.notReady();
    return background === undefined || why !== undefined
      ? refusal(503, "unavailable", `the observer is not ready: ${why ?? "it is starting"}`, {
          retryAfterSeconds: 5,
        })
      : handle(background);
  }

  app.post(
    "/v1/impact",
    guarded({ verb: "create", resource: "impact" }, async (c, visible) => {
      const body = await readBody(c.req.raw, { limit: impactBodyLimit });
      if (!body.ok) return refusal(body.status, "invalid", body.problem);
      const parsed = parseImpactRequest(body.value);
      if (!parsed.ok)
        return refusal(400, "invalid", "the proposal has problems", { problems: parsed.problems });
      return whenReady(async () => {
        const result = await options.impact.compute(parsed.proposal, visible, c.req.raw.signal);
        if ("impact" in result) return streamedAnswer(result.impact);
        const { retryAfterSeconds } = result;
        return refusal(503, "busy", result.busy, { retryAfterSeconds });
      });
    }),
  );

  const inventory: Right = { verb: "get", resource: "inventory" };
  app.get(
    "/v1/inventory",
    guarded(inventory, (c, visible) =>
      whenReady((background) => {
        const limit = wholeNumber(c.req.query("limit"), { otherwise: 500, from: 1, to: 2_000 });
        if (limit === undefined) return refusal(400, "invalid", "limit: expected a number from 1 to 2000");
        return answer(inventoryPage(background, { after: c.req.query("after") ?? "", limit, visible }));
      }),
    ),
  );
  app.get(
    "/v1/running",
    guarded(inventory, (_, visible) =>
      whenReady((background) => answer(runningDigests(background, visible))),
    ),
  );

  const watchEvents: Right = { verb: "get", resource: "events" };
  app.get(
    "/v1/snapshot",
    guarded(inventory, async (c, visible) => {
      const labels = c.req.queries("label") ?? [];
      if (labels.length > 100 || labels.some((label) => label.length > 317))
        return refusal(400, "invalid", "label: expected at most 100 label keys");
      // What was admitted is told to those who may see events too, and only that part which both may see.
      const who = await access.identify(c.req.header(tokenHeader));
      if ("refused" in who) return refusal(who.refused.status, who.refused.error, who.refused.message);
      const also = await visibleTo(c, who.user, watchEvents);
      if (also instanceof Response) return also;
      const question = { after: c.req.query("after") ?? "", labels, signal: c.req.raw.signal };
      return whenReady(async (background) => {
        const pending = options.snapshot.pending();
        if (pending > 0)
          return refusal(503, "busy", `the reports of ${pending} images are still being looked up`, {
            retryAfterSeconds: 5,
          });
        const both = (namespace: string) => visible(namespace) && also.see(namespace);
        return streamedAnswer(
          await snapshotPage(background, options.snapshot, { ...question, visible: both }),
        );
      });
    }),
  );
  app.get(
    "/v1/events",
    guarded(watchEvents, async (c, visible) => {
      const from = parseCursor(c.req.query("since"), options);
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
      if (wait > 0 && events.after(from.position, 1, visible).length === 0)
        await untilChanged(
          events,
          wait * 1000,
          c.req.raw.signal,
          () => events.after(from.position, 1, visible).length > 0,
        );
      const found = events.after(from.position, limit, visible);
      const reached = found.length === limit ? (found.at(-1)?.position ?? from.position) : events.position;
      return eventAnswer(found, {
        next: cursorAt(reached, options.epoch),
        missed: from.missed || (from.position > 0 && from.position < events.forgotten),
      });
    }),
  );
  app.get("/v1/events/stream", async (c) => {
    const who = await access.identify(c.req.header(tokenHeader));
    if ("refused" in who) return refusal(who.refused.status, who.refused.error, who.refused.message);
    const visible = await visibleTo(c, who.user, watchEvents);
    if (visible instanceof Response) return visible;
    const from = parseCursor(c.req.header("last-event-id") ?? c.req.query("since"), options);
    if (from === undefined) return refusal(400, "invalid", "since: expected the id of an earlier event");
    if (streams >= mostStreams)
      return refusal(503, "busy", `${mostStreams} streams are open already`, { retryAfterSeconds: 10 });
    const token = c.req.header(tokenHeader);
    streams++;
    return streamSSE(
      c,
      async (stream) => {
        const gone = new AbortController();
        stream.onAbort(() => gone.abort());
        try {
          let { position } = from;
          let { see } = visible;
          let checkedAt = performance.now();
          if (from.missed || (position > 0 && position < events.forgotten))
            await stream.writeSSE({ event: "missed", data: "{}" });
          while (!stream.aborted && !gone.signal.aborted) {
            for (const found of events.after(position, 100, see)) {
              await stream.writeSSE({
                id: cursorAt(found.position, options.epoch),
                event: "event",
                data: shown(found),
              });
              ({ position } = found);
            }
            if (performance.now() - checkedAt >= streamCheckMs) {
              const again = await access.identify(token);
              const now = "user" in again ? await visibleTo(c, again.user, watchEvents) : undefined;
              if (now === undefined || now instanceof Response) {
                await stream.writeSSE({ event: "end", data: '{"error":"forbidden"}' });
                return;
              }
              ({ see } = now);
              checkedAt = performance.now();
              await stream.writeSSE({ event: "alive", data: "{}" });
            }
            await untilChanged(
              events,
              streamCheckMs,
              gone.signal,
              () => events.after(position, 1, see).length > 0,
            );
          }
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
  app.post("/v1/events", async (c) => {
    const who = await access.identify(c.req.header(tokenHeader));
    if ("refused" in who) return refusal(who.refused.status, who.refused.error, who.refused.message);
    if (who.user.username !== options.judge)
      return refusal(403, "forbidden", `events are taken from ${options.judge} only`);
    const body = await readBody(c.req.raw, {
      limit: eventBodyLimit,
      type: "application/cloudevents-batch+json",
    });
    if (!body.ok) return refusal(body.status, "invalid", body.problem);
    if (!Array.isArray(body.value)) return refusal(400, "invalid", "expected an array of CloudEvents");
    const { reviews } = options.snapshot;
    const about = Map.groupBy(body.value as unknown[], (event) =>
      reviews.takes(event) ? "review" : "event",
    );
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
    // Those that could be read are stored; to send the others again would change nothing. What this process has not
    // been told, a judge tells it that sees by `observer` that it is another.
    return answer({ stored, repeated, invalid: problems.length, observer: options.epoch });
  });

  app.notFound(() => refusal(404, "not-found", "there is nothing here"));
  app.onError((error) => {
    metrics.failures.inc();
    log("error", "a request failed", { error });
    return refusal(500, "failed", "the observer failed; its log has the error");
  });
  return app;
}

function seer(visible: Visible, only: string | undefined): (namespace: string) => boolean {
  return (namespace) =>
    (only === undefined || namespace === only) && (visible === "all" || visible.has(namespace));
}

function wholeNumber(
  text: string | undefined,
  { otherwise, from, to }: { otherwise: number; from: number; to: number },
): number | undefined {
  if (text === undefined) return otherwise;
  const value = Number(text);
  return /^\d{1,6}$/.test(text) && value >= from && value <= to ? value : undefined;
}

const routes = new Set([
  "/v1/impact",
  "/v1/inventory",
  "/v1/running",
  "/v1/snapshot",
  "/v1/events",
  "/v1/events/stream",
]);

function routeLabel(path: string): string {
  return routes.has(path) ? path : "other";
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
