import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { commitBefore } from "./previous.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-history-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

const gitIn =
  (repository: string) =>
  (...args: string[]) =>
    execFileSync("git", args, {
      cwd: repository,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();

/** A repository whose commits each write one file; with their hashes. */
function history(...files: string[]): { repository: string; commits: string[] } {
  const repository = join(folder, "repository");
  mkdirSync(repository);
  const git = gitIn(repository);
  git("init", "--quiet");
  const commits = files.map((file, index) => {
    mkdirSync(join(repository, dirname(file)), { recursive: true });
    writeFileSync(join(repository, file), String(index));
    git("add", ".");
    git("-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "-m", file);
    return git("rev-parse", "HEAD");
  });
  return { repository, commits };
}

test("the commit before the last one that changed what is deployed, whatever came after it", () => {
  const { repository, commits } = history(
    "packages/gate/src/gate.ts",
    "docs/operate.md",
    "webhook/src/judge/judge.ts",
    "webhook/src/judge/judge.test.ts",
    "webhook/README.md",
    "packages/scans/src/testing/fake.ts",
    "packages/cli/src/main.ts",
  );
  expect(commitBefore(gitIn(repository))).toBe(commits[1]);
});

test("the first commit of all, which nothing came before", () => {
  const { repository, commits } = history("packages/gate/src/gate.ts", "docs/operate.md");
  expect(commitBefore(gitIn(repository))).toBe(commits[0]);
});

test("a clone without the history says how to get it", () => {
  const { repository } = history("packages/gate/src/gate.ts", "packages/gate/src/gate.ts");
  const clone = join(folder, "clone");
  gitIn(folder)("clone", "--quiet", "--depth=1", `file://${repository}`, clone);
  expect(() => commitBefore(gitIn(clone))).toThrow(
    /the history of this clone begins at [0-9a-f]{40}, .*git fetch --unshallow/,
  );
});
