import pLimit from "p-limit";
import { expect, test } from "vitest";
import { readBody } from "./body.ts";
import { RegistryError } from "./errors.ts";

const kib = 1024;

/** A body of so many KiB that is made only as it is read; `sent` counts what was. */
function bodyOf(size: number): { response: Response; sent: () => number } {
  let made = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (made === size) return controller.close();
        controller.enqueue(new Uint8Array(kib));
        made += 1;
        return undefined;
      },
    },
    { highWaterMark: 0 },
  );
  return { response: new Response(stream), sent: () => made };
}

test("of many large bodies at once only a few are read beyond their beginning", async () => {
  const bodies = Array.from({ length: 20 }, () => bodyOf(1024));
  const large = pLimit(2);
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, bodies.filter(({ sent }) => sent() > 258 && sent() < 1024).length);
  });
  const read = await Promise.all(
    bodies.map(async ({ response }) => (await readBody(response, 1024 * kib, "here", large)).byteLength),
  );
  clearInterval(watch);
  expect(read).toEqual(bodies.map(() => 1024 * kib));
  expect(most).toBeLessThanOrEqual(2);
});

test("a small body needs no turn", async () => {
  const large = pLimit(1);
  let release = (): void => {};
  const held = large(async () => await new Promise<void>((resolve) => (release = resolve)));
  expect((await readBody(bodyOf(256).response, 1024 * kib, "here", large)).byteLength).toBe(256 * kib);
  release();
  await held;
});

test("one that turns out longer than may be is given up at once, in its turn or before", async () => {
  for (const limit of [100, 600]) {
    const { response, sent } = bodyOf(1024);
    await expect(readBody(response, limit * kib, "here", pLimit(1))).rejects.toEqual(
      new RegistryError("too-large", `here: more than the ${limit * kib} bytes that are read`),
    );
    expect(sent()).toBe(limit + 1);
  }
});
