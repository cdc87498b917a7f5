import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readReports } from "./reports.ts";

const base = mkdtempSync(join(tmpdir(), "gatehouse-reports-"));
afterAll(() => rmSync(base, { recursive: true }));

test("a folder's files by name, hidden ones left out", () => {
  mkdirSync(join(base, "good"));
  writeFileSync(join(base, "good", "a.json"), "{}");
  writeFileSync(join(base, "good", ".DS_Store"), "x");
  expect(readReports("good", base)).toEqual({ "a.json": "{}" });
});

test("a folder that is missing, empty or holds folders is refused", () => {
  mkdirSync(join(base, "empty"));
  mkdirSync(join(base, "deep", "inner"), { recursive: true });
  expect(() => readReports("missing", base)).toThrow('reports: "missing" cannot be read');
  expect(() => readReports("empty", base)).toThrow('reports: "empty" holds no files');
  expect(() => readReports("deep", base)).toThrow('reports: "deep" holds folders (inner)');
});
