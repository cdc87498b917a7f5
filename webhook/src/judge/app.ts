import { Hono } from "hono";
import { oneLine, type EventInput } from "@gatehouse/policy";
import { parseReview, reviewResponse, type AdmissionRequest } from "./admission-review.ts";
import { readBody } from "./body.ts";
import { budgetMs, openDeadline, type Deadline } from "./deadline.ts";
import type { EventPipeline } from "./events.ts";
import type { Judge, Judged, Unanswerable } from "./judge.ts";
import type { Log } from "./log.ts";
import type { JudgeMetrics } from "./metrics.ts";
import type { SecretCheck } from "./secrets.ts";

/** What the app is given. */
export interface JudgeAppOptions {
  judge: Judge;
  secret: SecretCheck;
  events: Pick<EventPipeline, "push">;
  metrics: JudgeMetrics;
  log: Log;
  /** Why the judge is not ready, in one line; undefined when it is. */
  notReady: () => string | undefined;
  /** Milliseconds of a clock that never goes back. */
  clock: () => number;
  /** Milliseconds since 1970. */
  now: () => number;
}

const json = { "content-type": "application/json" };

/**
 * The judge over HTTP: `POST /validate/SECRET`, `POST /pin/SECRET`, `GET /healthz`, `/readyz`.
 * What is no admission review gets a 4xx; every review gets the gate's own answer, in time.
 *
 * @example
 * const app = judgeApp(options);
 * await app.request("/healthz");
 */
export function judgeApp(options: JudgeAppOptions): Hono {
  const { judge, metrics, log, clock } = options;
  const app = new Hono();

  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => {
    const why = options.notReady();
    return why === undefined ? c.text("ok\n") : c.text(`not ready: ${why}\n`, 503);
  });

  type Route = "validate" | "pin";

  async function answer(route: Route, request: Request, timeout: string | undefined): Promise<Response> {
    const startedAt = clock();
    metrics.inFlight.inc();
    let response: Response;
    const deadline = openDeadline(budgetMs(timeout));
    try {
      response = await answerWithin(route, request, deadline);
    } catch (error) {
      // Nothing that is known gets here; a bug in reading or writing must still not look like an admission.
      metrics.failures.inc();
      log("error", "a request could not be answered", { error });
      response = refuse(500, ["the gate failed"]);
    } finally {
      deadline.close();
      metrics.inFlight.dec();
    }
    metrics.answered(route, response.status, (clock() - startedAt) / 1000);
    return response;
  }

  async function answerWithin(route: Route, request: Request, deadline: Deadline): Promise<Response> {
    const body = await readBody(request);
    if (!body.ok) return refuse(body.status, [body.problem]);
    const review = parseReview(body.value);
    if (!review.ok) return refuse(400, review.problems);
    const judged = await judgeSafely(route, review.request, deadline);
    if ("problems" in judged) return refuse(422, judged.problems);
    if (judged.late > 0) metrics.late.inc(judged.late);
    // What is denied while it is pinned never comes to be validated.
    if (judged.event !== undefined && (route === "validate" || !judged.answer.allowed)) {
      metrics.judged(judged.event);
      await tell(judged.event);
    }
    return new Response(reviewResponse(review.request.uid, judged.answer), { status: 200, headers: json });
  }

  /** The line comes before the answer. A bug in writing it changes no verdict. */
  async function tell(event: EventInput): Promise<void> {
    try {
      await options.events.push(event);
    } catch (error) {
      metrics.failures.inc();
      log("error", "an event could not be written", { request: event.request.uid, error });
    }
  }

  /** A bug in judging is answered in the mode's own way and never as an admission without a word. */
  async function judgeSafely(
    route: Route,
    request: AdmissionRequest,
    deadline: Deadline,
  ): Promise<Judged | Unanswerable> {
    const startedAt = options.now();
    try {
      return await (route === "pin" ? judge.pin(request, deadline) : judge.validate(request, deadline));
    } catch (error) {
      metrics.failures.inc();
      log("error", "a request could not be judged", { request: request.uid, error });
      return judge.failed(request, startedAt);
    }
  }

  for (const route of ["validate", "pin"] as const) {
    app.post(`/${route}/:secret`, (c) =>
      options.secret(c.req.param("secret"))
        ? answer(route, c.req.raw, c.req.query("timeout"))
        : c.text("not found\n", 404),
    );
  }
  app.notFound((c) => c.text("not found\n", 404));
  app.onError((error, c) => {
    metrics.failures.inc();
    log("error", "a request failed", { error });
    return c.text("the gate failed\n", 500);
  });
  return app;
}

/** A refusal in HTTP. Problems quote nothing that could be long or move a terminal's cursor. */
function refuse(status: number, problems: readonly string[]): Response {
  const error = problems.slice(0, 20).map((problem) => oneLine(problem, 300));
  return new Response(`${JSON.stringify({ error })}\n`, { status, headers: json });
}
