/**
 * The kubelets' servers, as far as `kubectl logs` needs them. Only the API server's own client certificate is answered.
 *
 * @module
 */
import { once } from "node:events";
import { open } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { KeyPair } from "../certificates.ts";
import type { Network } from "../network.ts";
import type { PodWorker } from "./pod.ts";

/** Opens port 10250 on each node's address. `workerOf` finds a Pod by namespace and name, and throws when there is none. */
export async function startKubelets(
  network: Network,
  nodeAddresses: readonly string[],
  { certificate, key }: KeyPair,
  clientCa: string,
  workerOf: (namespace: string, pod: string) => PodWorker,
): Promise<void> {
  const options = { cert: certificate, key, ca: clientCa, requestCert: true, rejectUnauthorized: true };
  for (const host of nodeAddresses) {
    await network.addAddress(host);
    const server = createServer(options, (request, response) => void answer(request, response));
    server.listen({ host, port: 10_250 });
    await once(server, "listening");
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "https://kubelet");
    const [, kind, namespace = "", pod = "", container] = url.pathname.split("/");
    try {
      if (kind !== "containerLogs")
        throw new Error(`this Pod runner answers containerLogs only, not ${url.pathname}`);
      const run = workerOf(namespace, pod).container(container);
      if (run === undefined) throw new Error(`container ${container} has not run`);
      await sendLog(run.logFile(url.searchParams.get("previous") === "true"), url.searchParams, response);
    } catch (error) {
      if (!response.headersSent) response.writeHead(404, { "content-type": "text/plain" });
      response.end(`${(error as Error).message}\n`);
    }
  }
}

/** Sends a log's last lines, and what is added as long as the client stays, when it asks to follow. */
async function sendLog(path: string, query: URLSearchParams, response: ServerResponse): Promise<void> {
  const file = await open(path);
  try {
    const text = (await file.readFile("utf8")).split("\n");
    const tail = Number(query.get("tailLines") ?? -1);
    const lines = tail >= 0 ? text.slice(Math.max(0, text.length - 1 - tail)) : text;
    response.writeHead(200, { "content-type": "text/plain" });
    response.write(lines.join("\n"));
    while (query.get("follow") === "true" && !response.destroyed) {
      await sleep(250);
      response.write(await file.readFile());
    }
    response.end();
  } finally {
    await file.close();
  }
}
