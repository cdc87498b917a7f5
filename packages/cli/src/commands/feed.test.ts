import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../testing/run-cli.ts";

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "feed-test-"));
  const csv =
    "#model_version:v1,score_date:2026-11-21T00:00:00+0000\ncve,epss,percentile\nCVE-2026-0001,0.9,0.9\nCVE-2026-0002,0.01,0.1\n";
  const kev = {
    dateReleased: "2026-11-20T15:00:00Z",
    count: 1,
    vulnerabilities: [{ cveID: "CVE-2026-0001" }],
  };
  writeFileSync(join(cwd, "epss.csv"), csv);
  writeFileSync(join(cwd, "epss.csv.gz"), gzipSync(csv));
  writeFileSync(join(cwd, "kev.json"), JSON.stringify(kev));
  writeFileSync(join(cwd, "broken.csv.gz"), gzipSync(csv).subarray(0, 20));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const epss = {
  date: "2026-11-21",
  omittedBelow: 0.05,
  scores: { "CVE-2026-0001": 0.9 },
  omitted: { "2026": "2" },
};
const kev = { date: "2026-11-20", cves: ["CVE-2026-0001"] };
const format = "gatehouse.dev/exploit-feed/v1";

test.each([
  [["--epss", "epss.csv", "--kev", "kev.json"], { format, epss, kev }],
  [["--epss", "epss.csv.gz"], { format, epss }],
  [["--kev", "kev.json"], { format, kev }],
  [
    ["--epss", "epss.csv", "--omit-below", "0"],
    {
      format,
      epss: {
        ...epss,
        omittedBelow: 0,
        scores: { "CVE-2026-0001": 0.9, "CVE-2026-0002": 0.01 },
        omitted: {},
      },
    },
  ],
])("%j", async (args, expected) => {
  const { status, out, notes } = await runCli(["feed", ...args], { cwd });
  expect([status, JSON.parse(out), notes]).toEqual([0, expected, []]);
});

test.each([
  [[], "expected --epss FILE, --kev FILE or both"],
  [["--epss", "kev.json"], "EPSS line 1: expected # with score_date"],
  [["--kev", "epss.csv"], "epss.csv: expected JSON: Unexpected token"],
  [["--epss", "broken.csv.gz"], "broken.csv.gz has a problem"],
  [["--epss", "missing.csv"], "missing.csv has a problem"],
  [
    ["--epss", "epss.csv", "--omit-below", "2"],
    "error: option '--omit-below <score>' argument '2' is invalid. expected a number from 0 to 1",
  ],
])("%j is refused", async (args, expected) => {
  const { status, out, notes } = await runCli(["feed", ...args], { cwd });
  expect([status, out, notes[0]?.slice(0, expected.length)]).toEqual([3, "", expected]);
});
