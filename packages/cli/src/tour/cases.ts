/**
 * Cases from folders: each holds `object.yaml` (or `review.json`), `reports/`, `expected.json` and, if wanted,
 * `policy.ts` or `policy.json`, `mode`, `now` and `image.txt`. Each is judged by a judge of its own, over the socket.
 */
import { existsSync } from "node:fs";
import { appendFile, cp, mkdir, readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { Policy } from "@gatehouse/policy";
import { fileSource } from "@gatehouse/scans";
import { readManifests } from "../input/manifests.ts";
import { loadPolicy } from "../load-policy.ts";
import { readInstant } from "../options.ts";
import { admit } from "./admit.ts";
import { startJudge } from "./judge-process.ts";
import { readExpected, readMode, type Admission, type Expected } from "./outcome.ts";
import { reviewFrom, reviewOf, type Review } from "./review.ts";
import type { Stage } from "./stage.ts";

/** Codes that speak of a scan's state: a case that expects one may hold a report that cannot be read. */
const aboutScans = /^GH101\d$/;

/** Names of the cases in a folder, sorted. @throws Error when there are none */
export async function caseNames(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
  if (names.length === 0) throw new Error(`${directory}: expected a folder for each case, found none`);
  return names;
}

/**
 * Runs every case of a folder. One that is broken (no object, a report that cannot be read, a bad policy) is an
 * admission with the action `error`, which no expectation meets.
 */
export async function runCases(stage: Stage, directory: string, policyFile: string): Promise<Admission[]> {
  const names = await caseNames(directory);
  const results: Admission[] = [];
  const load = oneAtATime(async (file: string) => (await loadPolicy(file)).policy);
  let next = 0;
  async function work(): Promise<void> {
    for (let index = next++; index < names.length; index = next++) {
      const name = names[index] ?? "";
      results[index] = await runCase(stage, { name, index, folder: join(directory, name), policyFile, load });
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  return results;
}

interface CaseRun {
  name: string;
  index: number;
  folder: string;
  /** The policy of cases that bring none. */
  policyFile: string;
  load(file: string): Promise<Policy>;
}

async function runCase(stage: Stage, run: CaseRun): Promise<Admission> {
  let expected: Expected | null = null;
  try {
    expected = await part("expected.json", async () =>
      readExpected(await readFile(join(run.folder, "expected.json"), "utf8")),
    );
    const wanted = expected;
    const review = await readReview(run.folder);
    const mode = await optional(run.folder, "mode", readMode, "deny");
    const clock = await optional(run.folder, "now", readInstant, undefined);
    const policy = await part("policy", () => run.load(policyOf(run)));
    const reports = await part("reports", () => stageReports(stage, run, wanted));
    const judge = await startJudge(stage, { name: `case-${run.index}`, policy, mode, reports, clock });
    try {
      const { action, code, findings, message } = await admit(stage, judge, review);
      return {
        name: run.name,
        expected,
        action,
        code: code ?? null,
        findings: findings ?? null,
        message,
      };
    } finally {
      await judge.stop();
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { name: run.name, expected, action: "error", code: null, findings: null, message };
  }
}

function policyOf({ folder, policyFile }: CaseRun): string {
  const own = ["policy.ts", "policy.js", "policy.mjs", "policy.json"].map((name) => join(folder, name));
  return resolve(own.find((file) => existsSync(file)) ?? policyFile);
}

async function readReview(folder: string): Promise<Review> {
  const whole = join(folder, "review.json");
  if (existsSync(whole))
    return await part("review.json", async () => reviewFrom(JSON.parse(await readFile(whole, "utf8"))));
  return await part("object.yaml", async () => {
    const name = ["object.yaml", "object.yml", "object.json"].find((one) => existsSync(join(folder, one)));
    if (name === undefined) throw new Error("there is neither object.yaml nor review.json");
    const { manifests, problems } = readManifests(await readFile(join(folder, name), "utf8"), name);
    const [first, second] = manifests;
    const [problem] = problems;
    if (problem !== undefined) throw new Error(`line ${problem.line}: ${problem.problem}`);
    if (first === undefined || second !== undefined)
      throw new Error(`expected one object, found ${manifests.length}`);
    return reviewOf(first.object);
  });
}

/** A copy of the case's reports, with its `image.txt` among them; fails for a report that nobody can read. */
async function stageReports(stage: Stage, run: CaseRun, expected: Expected): Promise<string> {
  const directory = join(stage.directory, `case-${run.index}-reports`);
  const own = join(run.folder, "reports");
  if (existsSync(own)) await cp(own, directory, { recursive: true });
  else await mkdir(directory);
  const image = join(run.folder, "image.txt");
  if (existsSync(image)) await appendFile(join(directory, "image.txt"), `\n${await readFile(image, "utf8")}`);
  const source = fileSource({ name: "reports", directory, watch: () => ({ close() {} }) });
  try {
    const problems = await source.problems();
    if (problems.length > 0 && !aboutScans.test(expected.code ?? ""))
      throw new Error(problems.map(({ file, reason }) => `${file}: ${reason}`).join("; "));
  } finally {
    await source.close();
  }
  return directory;
}

/** Says which part of the case an error is about. */
async function part<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

async function optional<T>(
  folder: string,
  name: string,
  read: (text: string) => T,
  otherwise: T,
): Promise<T> {
  const file = join(folder, name);
  return existsSync(file)
    ? await part(name, async () => read((await readFile(file, "utf8")).trim()))
    : otherwise;
}

/** Policies are modules, which load with hooks that the whole process shares: one after another. */
function oneAtATime<A, T>(run: (argument: A) => Promise<T>): (argument: A) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return async (argument) => {
    const before = last;
    const mine = (async () => {
      await before.catch(() => {});
      return await run(argument);
    })();
    last = mine.catch(() => {});
    return await mine;
  };
}
