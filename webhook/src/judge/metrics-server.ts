/** Metrics on a port of their own: that of the reviews is open to everybody, this one to whom the cluster lets in. */
import { Hono } from "hono";
import type { CertificatePair } from "../tls/certificate.ts";
import type { Log } from "./log.ts";
import { startServer, type JudgeServer, type Listen } from "./server.ts";

/** What is shown, and who is told when that fails. */
export interface ShownMetrics {
  /** The metrics of this moment, in Prometheus' text format. */
  text: () => Promise<string>;
  contentType: string;
  failures: { inc(): void };
  log: Log;
}

/** Scrapers are few; whoever comes when there are more waits. */
const mostConnections = 64;

/** `GET /metrics`, and nothing else. */
export function metricsApp({ text, contentType, failures, log }: ShownMetrics): Hono {
  const app = new Hono();
  app.get("/metrics", async (c) => c.body(await text(), 200, { "content-type": contentType }));
  app.notFound((c) => c.text("not found\n", 404));
  app.onError((error, c) => {
    failures.inc();
    log("error", "the metrics cannot be shown", { error });
    return c.text("the metrics cannot be shown\n", 500);
  });
  return app;
}

/**
 * Shows metrics over TLS, with the certificate of the part that they are of.
 *
 * @param listen undefined shows them nowhere
 * @returns the server, of which there is none then; rejects when it cannot listen
 */
export async function startMetricsServer(
  metrics: ShownMetrics,
  listen: Listen | undefined,
  leaf: CertificatePair,
): Promise<JudgeServer | undefined> {
  if (listen === undefined) return undefined;
  return startServer({ fetch: metricsApp(metrics).fetch, ...listen, leaf, mostConnections });
}
