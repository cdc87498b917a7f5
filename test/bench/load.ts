import { Agent, request } from "node:https";

/** What a run of requests took. */
export interface LoadResult {
  /** Requests per second. */
  rate: number;
  /** Milliseconds of each request. */
  latencies: readonly number[];
  /** The last answer. */
  last: string;
}

/**
 * Posts a body, or what makes one for each request, `count` times over `connections` connections that are kept open.
 *
 * @throws when one is answered neither 200 nor 201
 */
export async function load(
  agent: Agent,
  url: string,
  body: string | (() => string),
  { count, connections }: { count: number; connections: number },
): Promise<LoadResult> {
  const latencies: number[] = [];
  let left = count;
  let last = "";
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const start = performance.now();
      last = await post(agent, url, typeof body === "string" ? body : body());
      latencies.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: connections }, worker));
  return { rate: count / ((performance.now() - start) / 1000), latencies, last };
}

/** An agent that keeps its connections. Both servers are this machine's, with certificates of an authority made for the run. */
export function keepAlive(connections: number, ca: string): Agent {
  return new Agent({ keepAlive: true, maxSockets: connections, ca });
}

function post(agent: Agent, url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: "POST",
        agent,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          if (response.statusCode === 200 || response.statusCode === 201) resolve(text);
          else reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 500)}`));
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Asks a server whose certificate is of an authority made for the run; an answer of any status. GET without a body. */
export function createAsk(url: string, ca: string) {
  return (
    path: string,
    { headers = {}, body }: { headers?: Readonly<Record<string, string>>; body?: string } = {},
  ): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
      const method = body === undefined ? "GET" : "POST";
      const all = { "content-type": "application/json", ...headers, ...length };
      const sent = request(`${url}${path}`, { method, ca, headers: all }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
        );
        response.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
}
