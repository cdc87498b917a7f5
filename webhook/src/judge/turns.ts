import type { IncomingMessage, ServerResponse } from "node:http";

/** Answers a request of a node:http server. */
export type Handler = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** How much large requests may hold at once. */
export interface TurnOptions {
  /** Bodies of at most so many bytes never wait. @default 262144 */
  small?: number;
  /** Bytes of larger bodies that are under way together. @default 33554432 */
  most?: number;
}

/**
 * Lets requests with large bodies in only while there is memory for them, in the order they came; their bodies wait
 * with the sender. What is read is held until the answer, so without this anybody who may create objects could have a
 * hundred large ones judged at once, and the kernel would end the gate for everybody. Small ones, which nearly all are,
 * pass by. Who waits too long is gone when its turn comes.
 */
export function inTurns(
  handle: Handler,
  { small = 256 * 1024, most = 32 * 1024 * 1024 }: TurnOptions = {},
): Handler {
  const waiting: { weight: number; start: () => void }[] = [];
  let held = 0;

  function next(): void {
    for (let [first] = waiting; first !== undefined && held + first.weight <= most; [first] = waiting) {
      waiting.shift();
      held += first.weight;
      first.start();
    }
  }

  return (incoming, outgoing) => {
    const length = Number(incoming.headers["content-length"] ?? (hasBody(incoming) ? most : 0));
    if (length <= small) return handle(incoming, outgoing);
    const turn = { weight: Math.min(length, most), start };
    let started = false;
    function start(): void {
      started = true;
      handle(incoming, outgoing);
    }
    outgoing.once("close", () => {
      if (started) held -= turn.weight;
      else waiting.splice(waiting.indexOf(turn), 1);
      next();
    });
    waiting.push(turn);
    return next();
  };
}

/** Whether a body comes whose length is not named. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined;
}
