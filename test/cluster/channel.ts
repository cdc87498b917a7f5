/**
 * Calls between the process that asked for a cluster and the supervisor inside its namespaces, over Node's own channel
 * to a child process.
 *
 * @module
 */

/** Methods that one side offers: one plain argument, one plain result. */
export type Methods = { readonly [name: string]: (argument: never) => Promise<unknown> };

/** The sending and receiving end of a channel: a ChildProcess, or `process` in the child. */
export interface Port {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
}

/** Calls a method of the other side; rejects with its error's message, or when the channel closes. */
export type Call<M extends Methods> = <K extends keyof M & string>(
  method: K,
  argument: Parameters<M[K]>[0],
) => Promise<Awaited<ReturnType<M[K]>>>;

type Message =
  | { readonly kind: "call"; readonly id: number; readonly method: string; readonly argument: unknown }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly message: string };

/** Offers `local` to the other side and returns the way to call it. */
export function connectChannel<Remote extends Methods>(port: Port, local: Methods): Call<Remote> {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let next = 1;
  let open = true;

  port.onMessage((raw) => {
    const message = raw as Message;
    if (message.kind === "call") void answer(message);
    else {
      const caller = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.kind === "result") caller?.resolve(message.value);
      else caller?.reject(new Error(message.message));
    }
  });
  port.onClose(() => {
    open = false;
    for (const caller of waiting.values()) caller.reject(new Error("the cluster's supervisor has ended"));
    waiting.clear();
  });

  async function answer({ id, method, argument }: Extract<Message, { kind: "call" }>): Promise<void> {
    let reply: Message;
    try {
      const handler = Object.hasOwn(local, method) ? local[method] : undefined;
      if (handler === undefined) throw new Error(`no such method: ${method}`);
      reply = { kind: "result", id, value: await handler(argument as never) };
    } catch (error) {
      reply = { kind: "error", id, message: error instanceof Error ? error.message : String(error) };
    }
    if (open) port.send(reply);
  }

  return (method, argument) =>
    new Promise((resolve, reject) => {
      if (!open) {
        reject(new Error("the cluster's supervisor has ended"));
        return;
      }
      const id = next++;
      waiting.set(id, { resolve, reject });
      port.send({ kind: "call", id, method, argument } satisfies Message);
    });
}
