/** One call of the API server, from the body to the answer, whichever way the two travel. */
import { oneLine, type Code, type EventInput } from "@gatehouse/policy";
import type { Awaitable } from "@gatehouse/scans";
import { parseReview, reviewResponse, type AdmissionRequest } from "./admission-review.ts";
import type { Body } from "./body.ts";
import { budgetMs, openDeadline, type Deadline } from "./deadline.ts";
import type { EventPipeline } from "./events.ts";
import type { Judge, Judged, Unanswerable } from "./judge.ts";
import type { Log } from "./log.ts";
import type { JudgeMetrics } from "./metrics.ts";

/** What is asked: a verdict, or digests for tags. */
export const routes = ["validate", "pin"] as const;
/** One of {@link routes}, which is also the beginning of the path that the API server calls. */
export type Route = (typeof routes)[number];

/** An answer, in JSON. */
export interface Reply {
  status: number;
  body: string;
}

/** Answers a call. `timeout` is the caller's own word for how long it waits. Never rejects. */
export type Admission = (
  route: Route,
  timeout: string | undefined,
  read: () => Awaitable<Body>,
) => Promise<Reply>;

/** What answering takes. */
export interface AdmissionOptions {
  judge: Judge;
  events: Pick<EventPipeline, "push">;
  metrics: JudgeMetrics;
  log: Log;
  /** Milliseconds of a clock that never goes back. */
  clock: () => number;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** What is no admission review gets a 4xx; every review gets the gate's own answer, in time. */
export function createAdmission(options: AdmissionOptions): Admission {
  const { judge, metrics, log, clock } = options;

  async function answerWithin(route: Route, read: () => Awaitable<Body>, deadline: Deadline): Promise<Reply> {
    const body = await read();
    if (!body.ok) return refuse(body.status, "GH1121", [body.problem]);
    const review = parseReview(body.value);
    if (!review.ok) return refuse(400, "GH1121", review.problems);
    const judged = await judgeSafely(route, review.request, deadline);
    if ("problems" in judged) return refuse(422, "GH1022", judged.problems);
    if (judged.late > 0) metrics.late.inc(judged.late);
    // What is denied while it is pinned never comes to be validated.
    if (judged.event !== undefined && (route === "validate" || !judged.answer.allowed)) {
      metrics.judged(judged.event);
      await tell(judged.event);
    }
    return { status: 200, body: reviewResponse(review.request.uid, judged.answer) };
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

  return async (route, timeout, read) => {
    const startedAt = clock();
    metrics.inFlight.inc();
    let reply: Reply;
    const deadline = openDeadline(budgetMs(timeout));
    try {
      reply = await answerWithin(route, read, deadline);
    } catch (error) {
      // Nothing that is known gets here; a bug in reading or writing must still not look like an admission.
      metrics.failures.inc();
      log("error", "a request could not be answered", { error });
      reply = refuse(500, "GH1031", ["the gate failed"]);
    } finally {
      deadline.close();
      metrics.inFlight.dec();
    }
    metrics.answered(route, reply.status, (clock() - startedAt) / 1000);
    return reply;
  };
}

/** A refusal in HTTP. Problems quote nothing that could be long or move a terminal's cursor. */
function refuse(status: number, code: Code, problems: readonly string[]): Reply {
  const error = problems.slice(0, 20).map((problem) => oneLine(problem, 300));
  return { status, body: `${JSON.stringify({ code, error })}\n` };
}
