import { unscanned, type ImageScan } from "@gatehouse/policy";
import { expect, it } from "vitest";
import { critical, digest, pod, review, scanned, secret, testApp } from "../testing/fixtures.ts";

/** How a source may behave, and what the rules of the fixtures name for it: allowed, and the code of why not. */
const weathers: Readonly<
  Record<string, { scan: () => Promise<ImageScan>; expected: [boolean, string | undefined] }>
> = {
  clean: { scan: () => Promise.resolve(scanned([])), expected: [true, undefined] },
  bad: { scan: () => Promise.resolve(scanned([critical])), expected: [false, "GH1001"] },
  pending: {
    scan: () => Promise.resolve(unscanned("pending", "under way", "memory", digest)),
    expected: [true, "GH1011"],
  },
  stale: {
    scan: () => Promise.resolve(unscanned("stale", "a month old", "memory", digest)),
    expected: [true, "GH1016"],
  },
  failing: {
    scan: () => Promise.resolve(unscanned("unavailable", "HTTP 503", "memory")),
    expected: [false, "GH1017"],
  },
  throwing: { scan: () => Promise.reject(new Error("a bug")), expected: [false, "GH1017"] },
  silent: { scan: () => new Promise(() => {}), expected: [false, "GH1017"] },
  slow: {
    scan: () => new Promise((resolve) => setTimeout(() => resolve(scanned([])), 5)),
    expected: [true, undefined],
  },
};

/** Rounds one after another, each of this many reviews of every kind at once. */
const rounds = process.env["GATEHOUSE_SOAK"] ? 10 : 1;
const each = 125;

it("answers every review in time and by the rules while its sources answer, slow down, fail and come back", async () => {
  const names = Object.keys(weathers);
  const app = testApp({
    lookUp: (reference) => {
      const name = /\/(\w+):/.exec(reference)?.[1] ?? "";
      return weathers[name]?.scan() ?? Promise.reject(new Error(`no weather ${name}`));
    },
  });
  const ask = async (name: string, image: string) => {
    const body = review(pod([`registry.example/${name}:${image}`]));
    const response = await app.post(`/validate/${secret}?timeout=3s`, body);
    const { response: said } = (await response.json()) as {
      response: { allowed: boolean; auditAnnotations: Record<string, string> };
    };
    return [name, response.status, said.allowed, said.auditAnnotations["code"]];
  };
  const answers: unknown[][] = [];
  for (let round = 0; round < rounds; round++) {
    const all = names.flatMap((name) =>
      Array.from({ length: each }, (_, index) => ask(name, `${round}-${index}`)),
    );
    answers.push(...(await Promise.all(all)));
  }
  const distinct = new Set(answers.map((answer) => JSON.stringify(answer)));
  expect([...distinct].sort()).toEqual(
    names.map((name) => JSON.stringify([name, 200, ...(weathers[name]?.expected ?? [])])).sort(),
  );
  expect(answers).toHaveLength(rounds * each * names.length);
  expect((await app.metrics.late.get()).values).toEqual([{ labels: {}, value: rounds * each }]);
  expect(app.events()).toHaveLength(answers.length);
  expect(app.logs).toEqual([]);
}, 300_000);
