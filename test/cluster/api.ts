/**
 * A client of the Kubernetes API for the harness itself. It shares no code with the packages under test, so that a fault
 * there cannot hide behind the same fault here.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Credentials } from "./control-plane.ts";

/** An answer of the API server other than 2xx, or none at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

export type PatchType = "merge" | "strategic-merge" | "json" | "apply";

/** One event of a watch, as the API server sends it. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: unknown;
}

/** Calls by path, such as `/api/v1/namespaces/default/pods`. Each rejects with an `ApiError`. */
export interface ApiClient {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  patch<T>(path: string, body: unknown, type: PatchType): Promise<T>;
  delete(path: string, options?: unknown): Promise<void>;
  /** Follows a watch until the server ends it or `signal` aborts. */
  watch(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent>;
  close(): void;
}

const patchTypes: Readonly<Record<PatchType, string>> = {
  merge: "application/merge-patch+json",
  "strategic-merge": "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

/** Opens a client; connections are kept alive. */
export function createApiClient({ server, ca, certificate, key }: Credentials): ApiClient {
  const agent = new Agent({ keepAlive: true, ca, cert: certificate, key });

  async function send(
    method: string,
    path: string,
    body?: unknown,
    contentType = "application/json",
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const outgoing = request(new URL(path, server), {
      method,
      agent,
      headers: {
        accept: "application/json",
        "user-agent": "gatehouse-test",
        ...(payload !== undefined && {
          "content-type": contentType,
          "content-length": Buffer.byteLength(payload),
        }),
      },
      ...(signal ? { signal } : { timeout: 30_000 }),
    });
    outgoing.once("timeout", () => outgoing.destroy(new Error("no answer within 30 s")));
    outgoing.end(payload);
    try {
      const [response] = (await once(outgoing, "response")) as [IncomingMessage];
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return response;
      throw new ApiError(status, `${method} ${path}: ${status} ${messageOf(await read(response))}`);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw new ApiError(0, `${method} ${path}: ${(error as Error).message}`);
    }
  }

  async function json<T>(method: string, path: string, body?: unknown, contentType?: string): Promise<T> {
    const response = await send(method, path, body, contentType);
    const text = await read(response);
    const isJson = response.headers["content-type"]?.startsWith("application/json") === true;
    return (isJson ? JSON.parse(text) : text) as T;
  }

  return {
    get: (path) => json("GET", path),
    post: (path, body) => json("POST", path, body),
    put: (path, body) => json("PUT", path, body),
    patch: (path, body, type) => json("PATCH", path, body, patchTypes[type]),
    delete: async (path, options) => void (await json("DELETE", path, options)),
    watch: async function* (path, signal) {
      const response = await send("GET", path, undefined, undefined, signal);
      response.on("error", () => undefined);
      for await (const line of createInterface({ input: response })) yield JSON.parse(line) as WatchEvent;
    },
    close: () => agent.destroy(),
  };
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body;
  }
}
