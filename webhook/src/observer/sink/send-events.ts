import { readFile } from "node:fs/promises";
import { createTransport } from "@gatehouse/kube";
import type { EventSinkConfig } from "@gatehouse/policy";
import type { Send } from "./event-sink.ts";

/** How long headers are kept before their file is read again, in milliseconds. */
const headersMs = 10_000;
/** Headers that are ours, or the connection's. */
const ours: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "host",
  "connection",
  "transfer-encoding",
]);

/** Sends over HTTP as the configuration says. The files it names are read when they are needed, and again. */
export function createSend(
  config: EventSinkConfig,
  options: {
    now: () => number;
    /** The environment, for its `HTTPS_PROXY` and `NO_PROXY`. @default no proxy */
    proxyEnv?: Readonly<Record<string, string | undefined>> | undefined;
  },
): Send {
  const fetch = createTransport({ maxSockets: 8, proxyEnv: options.proxyEnv });
  let known: { headers: Record<string, string>; ca: string | undefined; until: number } | undefined;

  async function material(): Promise<NonNullable<typeof known>> {
    if (known !== undefined && options.now() < known.until) return known;
    const [headers, ca] = await Promise.all([
      config.headersFile === undefined ? {} : readHeaders(config.headersFile),
      config.caFile === undefined ? undefined : readFile(config.caFile, "utf8"),
    ]);
    known = { headers, ca, until: options.now() + headersMs };
    return known;
  }

  return async ({ type, body, signal }) => {
    const { headers, ca } = await material();
    const response = await fetch(config.url, {
      method: "POST",
      headers: { ...headers, "content-type": type, "user-agent": "gatehouse-observer" },
      body,
      signal,
      tls: ca === undefined ? {} : { ca },
    });
    await response.body?.cancel();
    // Credentials may have been renewed.
    if (response.status === 401 || response.status === 403) known = undefined;
    const wait = response.headers.get("retry-after");
    return {
      status: response.status,
      ...(wait !== null && /^\d{1,5}$/.test(wait) ? { retryAfterMs: Number(wait) * 1000 } : {}),
    };
  };
}

async function readHeaders(file: string): Promise<Record<string, string>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    // A syntax error would quote what stands in the file, which is secret.
    const code = (error as NodeJS.ErrnoException).code ?? "not JSON";
    // oxlint-disable-next-line preserve-caught-error -- the cause would say what we leave out
    throw new Error(`the file of the sink's headers cannot be read: ${code}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("the file of the sink's headers: expected a JSON object of names and values");
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      const good = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && !ours.has(name.toLowerCase());
      if (!good || typeof text !== "string" || !/^[\x20-\x7e]*$/.test(text))
        throw new Error(
          `the file of the sink's headers: ${JSON.stringify(name.slice(0, 60))} is no header that can be sent`,
        );
      return [name.toLowerCase(), text.trim()];
    }),
  );
}
