import { Hono } from "hono";
import { routes, type Admission } from "./admission.ts";
import { readBody } from "./body.ts";
import type { Log } from "./log.ts";
import type { JudgeMetrics } from "./metrics.ts";
import type { SecretCheck } from "./secrets.ts";

/** What the app is given. */
export interface JudgeAppOptions {
  admission: Admission;
  secret: SecretCheck;
  metrics: JudgeMetrics;
  log: Log;
  /** Why the judge is not ready, in one line; undefined when it is. */
  notReady: () => string | undefined;
}

const json = { "content-type": "application/json" };

/**
 * The judge over HTTP: `POST /validate/SECRET`, `POST /pin/SECRET`, `GET /healthz`, `/readyz`.
 * Calls as the API server makes them seldom get here; see `admission-listener.ts`.
 *
 * @example
 * const app = judgeApp(options);
 * await app.request("/healthz");
 */
export function judgeApp(options: JudgeAppOptions): Hono {
  const { admission, metrics, log } = options;
  const app = new Hono();

  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/readyz", (c) => {
    const why = options.notReady();
    return why === undefined ? c.text("ok\n") : c.text(`not ready: ${why}\n`, 503);
  });

  for (const route of routes) {
    app.post(`/${route}/:secret`, async (c) => {
      if (!options.secret(c.req.param("secret"))) return c.text("not found\n", 404);
      const { status, body } = await admission(route, c.req.query("timeout"), () => readBody(c.req.raw));
      return new Response(body, { status, headers: json });
    });
  }
  app.notFound((c) => c.text("not found\n", 404));
  app.onError((error, c) => {
    metrics.failures.inc();
    log("error", "a request failed", { error });
    return c.text("the gate failed\n", 500);
  });
  return app;
}
