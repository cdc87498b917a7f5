import { Hono } from "hono";
import type { Log } from "../../judge/log.ts";
import { readBody } from "../../judge/body.ts";
import type { Background } from "../background.ts";
import type { EventStore } from "../events/event-store.ts";
import { inventoryPage, runningDigests } from "../inventory-view.ts";
import type { ImpactService } from "../impact-service.ts";
import type { ObserverMetrics } from "../metrics.ts";
import type { Access, Right } from "./access.ts";
import { answer, refusal, streamedAnswer } from "./answers.ts";
import { createCallers } from "./callers.ts";
import { eventRoutes, watchEvents } from "./event-routes.ts";
import { parseImpactRequest } from "./impact-request.ts";
import { snapshotPage, type SnapshotSource } from "../snapshot-pages.ts";
import { wholeNumber } from "./query.ts";
import { createSeal } from "./seal.ts";

/** What the app is given. */
export interface ObserverAppOptions {
  access: Access;
  /** Undefined until this instance holds the lease and has read the cluster. */
  background: () => Background | undefined;
  impact: ImpactService;
  events: EventStore;
  snapshot: SnapshotSource;
  /** Tells this process from another. */
  epoch: string;
  /** User name of the judges' service account, whose events are taken. */
  judge: string;
  metrics: Pick<ObserverMetrics, "requests" | "eventsReceived" | "failures">;
  /** Why it is not ready, in one line; undefined when it is. */
  notReady: () => string | undefined;
  log: Log;
}

/** Most bytes of a proposal. */
export const impactBodyLimit = 2 * 1024 * 1024;

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
  const seal = createSeal();
  const callers = createCallers({ access, background: options.background, events });

  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => {
    const why = options.notReady();
    return why === undefined ? c.text("ok\n") : c.text(`not ready: ${why}\n`, 503);
  });
  app.use("/v1/*", async (c, next) => {
    await next();
    metrics.requests.inc({ route: routeLabel(c.req.path), status: String(c.res.status) });
  });

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
    callers.guarded({ verb: "create", resource: "impact" }, async (c, { see }) => {
      const body = await readBody(c.req.raw, { limit: impactBodyLimit });
      if (!body.ok) return refusal(body.status, "invalid", body.problem);
      const parsed = parseImpactRequest(body.value);
      if (!parsed.ok)
        return refusal(400, "invalid", "the proposal has problems", { problems: parsed.problems });
      return whenReady(async () => {
        const result = await options.impact.compute(parsed.proposal, see, c.req.raw.signal);
        if ("impact" in result) return streamedAnswer(result.impact);
        const { retryAfterSeconds } = result;
        return refusal(503, "busy", result.busy, { retryAfterSeconds });
      });
    }),
  );

  const inventory: Right = { verb: "get", resource: "inventory" };
  app.get(
    "/v1/inventory",
    callers.guarded(inventory, (c, { see }) =>
      whenReady((background) => {
        const limit = wholeNumber(c.req.query("limit"), { otherwise: 500, from: 1, to: 2_000 });
        if (limit === undefined) return refusal(400, "invalid", "limit: expected a number from 1 to 2000");
        return answer(inventoryPage(background, { after: c.req.query("after") ?? "", limit, visible: see }));
      }),
    ),
  );
  app.get(
    "/v1/running",
    callers.guarded(inventory, (_, { see }) =>
      whenReady((background) => answer(runningDigests(background, see))),
    ),
  );

  app.get(
    "/v1/snapshot",
    callers.guarded(inventory, async (c, sight) => {
      const labels = c.req.queries("label") ?? [];
      if (labels.length > 100 || labels.some((label) => label.length > 317))
        return refusal(400, "invalid", "label: expected at most 100 label keys");
      // What was admitted is told to those who may see events too, and only that part which both may see.
      const user = await callers.identify(c);
      if (user instanceof Response) return user;
      const also = await callers.sight(c, user, watchEvents);
      if (also instanceof Response) return also;
      const sealed = c.req.query("after") ?? "";
      const after = sealed === "" ? "" : seal.open(sealed);
      if (after === undefined || after === false)
        return refusal(
          400,
          "invalid",
          "after: expected the `next` of an earlier answer; begin again without it",
        );
      return whenReady(async (background) => {
        if (options.snapshot.pending() > 0)
          return refusal(503, "busy", "the reports of some images are still being looked up", {
            retryAfterSeconds: 5,
          });
        const both = {
          visible: (namespace: string) => sight.see(namespace) && also.see(namespace),
          all: sight.all && also.all,
        };
        const { signal } = c.req.raw;
        const page = await snapshotPage(background, options.snapshot, { after, labels, signal, ...both });
        return streamedAnswer({
          ...page,
          ...(page.next === undefined ? {} : { next: seal.close(page.next) }),
        });
      });
    }),
  );
  app.route("/", eventRoutes({ ...options, callers, reviews: options.snapshot.reviews }));

  app.notFound(() => refusal(404, "not-found", "there is nothing here"));
  app.onError((error) => {
    metrics.failures.inc();
    log("error", "a request failed", { error });
    return refusal(500, "failed", "the observer failed; its log has the error");
  });
  return app;
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
