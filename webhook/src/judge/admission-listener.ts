import type { IncomingMessage, ServerResponse } from "node:http";
import type { Admission, Reply, Route } from "./admission.ts";
import { bodyLimit, brokenOff, parseBody, type Body } from "./body.ts";
import type { SecretCheck } from "./secrets.ts";

/** Answers a request, or leaves it to the next one: false. */
export type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

/**
 * Takes the calls of API servers, which are all alike, straight from Node's own request: a Request and a Response in
 * between cost as much as judging does. Whatever is not quite as they send it is left to the app, which answers the
 * same calls by the same `admission`, and refuses what is none.
 */
export function admissionListener({
  admission,
  secret,
}: {
  admission: Admission;
  secret: SecretCheck;
}): Listener {
  return (incoming, outgoing) => {
    const call = callOf(incoming);
    if (call === undefined || !secret(call.secret)) return false;
    void answer(
      admission(call.route, call.timeout, () => bodyOf(incoming)),
      outgoing,
    );
    return true;
  };
}

/**
 * What is ready in one turn of the event loop is written together at its end: a first write may have to wake whoever
 * waits for it, which costs several times what the others cost, or a whole verdict.
 */
async function answer(reply: Promise<Reply>, outgoing: ServerResponse): Promise<void> {
  const { status, body } = await reply;
  await new Promise((resolve) => setImmediate(resolve));
  outgoing.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  });
  outgoing.end(body);
}

/** As `k8s.io/apiserver` calls a webhook: its path, and `timeout` as the only parameter. */
const target = /^\/(validate|pin)\/([A-Za-z0-9_-]+)(?:\?timeout=([0-9a-z.]*))?$/;

function callOf({
  method,
  url,
  headers,
}: IncomingMessage): { route: Route; secret: string; timeout: string | undefined } | undefined {
  if (method !== "POST" || headers["content-type"] !== "application/json") return undefined;
  if (headers["content-encoding"] !== undefined || headers["transfer-encoding"] !== undefined)
    return undefined;
  // The HTTP parser holds a body to its content-length, so its bytes need not be counted again.
  const length = headers["content-length"];
  if (length === undefined || !/^\d{1,9}$/.test(length) || Number(length) > bodyLimit) return undefined;
  const [, route, secret, timeout] = target.exec(url ?? "") ?? [];
  if (route === undefined || secret === undefined) return undefined;
  return { route: route as Route, secret, timeout };
}

function bodyOf(incoming: IncomingMessage): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const [only] = chunks;
      resolve(parseBody(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)));
    });
    // After its end this says nothing new; before it, its sender is gone.
    incoming.on("error", () => resolve(brokenOff));
    incoming.on("close", () => resolve(brokenOff));
  });
}
