import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readFeed } from "./feed.ts";

const folder = mkdtempSync(join(tmpdir(), "feed-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("an exploit feed travels as a file, and the gate is told where", () => {
  writeFileSync(join(folder, "mine.json"), '{"version":1}');
  expect(readFeed("mine.json", folder)).toEqual({
    exploitFeed: { file: "/gatehouse/files/feed/feed.json" },
    files: { feed: { "feed.json": '{"version":1}' } },
  });
});

test("a file that is none, or is not there, is said with its name", () => {
  writeFileSync(join(folder, "wrong.json"), "cve,epss");
  for (const file of ["wrong.json", "none.json"])
    expect(() => readFeed(file, folder)).toThrow(`exploitFeed: "${file}" cannot be read`);
});
