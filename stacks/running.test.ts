import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readRunning } from "./running.ts";

const folder = mkdtempSync(join(tmpdir(), "running-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("digests on record are read from a file beside the settings", () => {
  const digests = [{ namespace: "shop", repository: "r.example/web", digests: [`sha256:${"a".repeat(64)}`] }];
  writeFileSync(join(folder, "running.json"), JSON.stringify(digests));
  expect(readRunning("running.json", folder)).toEqual(digests);
});

test("a file that is none, or is not there, is said with its name and what is wrong", () => {
  writeFileSync(join(folder, "wrong.json"), JSON.stringify([{ namespace: "shop", digests: ["x"] }]));
  expect(() => readRunning("wrong.json", folder)).toThrow(
    /^running: "wrong.json" is not what gatehouse running writes \[GH2002\]:\n[^]*0\.repository[^]*0\.digests\.0/,
  );
  expect(() => readRunning("none.json", folder)).toThrow(/^running: "none.json" cannot be read/);
});
