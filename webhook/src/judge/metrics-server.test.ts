import { expect, it } from "vitest";
import { metricsApp } from "./metrics-server.ts";

function app(text: () => Promise<string>) {
  const logs: string[] = [];
  let failures = 0;
  const shown = metricsApp({
    text,
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    failures: { inc: () => void failures++ },
    log: (level, message) => void logs.push(`${level} ${message}`),
  });
  const get = async (path: string) => {
    const answer = await shown.request(path);
    return [answer.status, answer.headers.get("content-type"), await answer.text()];
  };
  return { get, logs, failures: () => failures };
}

it("shows metrics, and nothing else", async () => {
  const { get } = app(() => Promise.resolve("gatehouse_in_flight 0\n"));
  expect(await get("/metrics")).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
    "gatehouse_in_flight 0\n",
  ]);
  expect((await get("/healthz"))[0]).toBe(404);
});

it("counts and logs what cannot be shown, and tells callers no more than that", async () => {
  const { get, logs, failures } = app(() => Promise.reject(new Error("a private thing")));
  expect(await get("/metrics")).toEqual([500, "text/plain; charset=UTF-8", "the metrics cannot be shown\n"]);
  expect([logs, failures()]).toEqual([["error the metrics cannot be shown"], 1]);
});
