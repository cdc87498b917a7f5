/** Reads what a part of the gate shows on /metrics. */
import { request, type RequestOptions } from "node:https";

/** Samples by name and labels, as in `gatehouse_events_sent_total{sink="output"}`. */
export type Samples = ReadonlyMap<string, number>;

/** Scrapes once. @throws when it is not answered */
export async function scrape(url: string, ca: string): Promise<Samples> {
  const text = await get(`${url}/metrics`, { ca, agent: false });
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    const found = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line);
    if (found !== null) samples.set(found[1] ?? "", Number(found[2]));
  }
  return samples;
}

/** The sum of a metric over all its labels; 0 where it has no sample. */
export function sum(samples: Samples, name: string): number {
  let total = 0;
  for (const [key, value] of samples) if (key === name || key.startsWith(`${name}{`)) total += value;
  return total;
}

function get(url: string, options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${url} answered ${response.statusCode}`));
      });
    });
    call.on("error", reject);
    call.end();
  });
}
