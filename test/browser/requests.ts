/** Small helpers of the browser tests. */
import { createHash } from "node:crypto";
import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/** An answer in full. */
export interface Asked {
  status: number;
  text: string;
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Asks a server on loopback whose certificate nobody vouches for. */
export function ask(
  url: string,
  path: string,
  options: { method?: string; body?: string; headers?: Readonly<Record<string, string>> },
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const { method = "GET", body, headers = {} } = options;
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const sent = request(
      new URL(path, url),
      { method, headers: { ...headers, ...length }, rejectUnauthorized: false },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("end", () =>
          resolve({
            status: incoming.statusCode ?? 0,
            text: Buffer.concat(chunks).toString("utf8"),
            headers: incoming.headers,
          }),
        );
        incoming.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Waits until something holds. @throws Error when it does not within a minute */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("what was waited for did not come");
    await sleep(20);
  }
}

/** The key of an event, as a judge makes it. */
export function keyOf(parts: string): string {
  return createHash("sha256").update(parts).digest("hex").slice(0, 32);
}
