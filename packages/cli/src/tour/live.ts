import { unwatchFile, watchFile } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { oneLine, policyHash, type Policy } from "@gatehouse/policy";
import { loadPolicy } from "../load-policy.ts";
import { policyDiff } from "../render/policy-diff.ts";
import { openFront } from "./front.ts";
import { startJudge, type JudgeProcess } from "./judge-process.ts";
import { reviewOf } from "./review.ts";
import { readWorkload, sampleReports } from "./scenes.ts";
import type { Stage } from "./stage.ts";

/** What a judge that stays is made of. */
export interface LiveOptions {
  stage: Stage;
  policyFile: string;
  policy: Policy;
  /** Files that the policy was made of. */
  files: readonly string[];
  /** Takes one line about each reload. */
  say: (line: string) => void;
}

/** How to reach a judge that stays until its stage is closed. */
export interface Live {
  url: string;
  secret: string;
  caFile: string;
  /** File with a review to try it with. */
  review: string;
}

/** How often files are looked at, in milliseconds: works for every editor and file system. */
const lookMs = 300;

/**
 * Keeps a judge up, by the real time. When a file of the policy is saved, a judge of the new policy is started beside
 * the old one and takes its place once it answers; a policy that does not load changes nothing.
 */
export async function stayUp({ stage, policyFile, policy, files, say }: LiveOptions): Promise<Live> {
  let generation = 0;
  let current = policy;
  let closed = false;
  const start = async (next: Policy): Promise<JudgeProcess> => {
    const judge = await startJudge(stage, {
      name: `live-${(generation += 1)}`,
      policy: next,
      mode: "deny",
      reports: sampleReports,
    });
    judge.onExit((why) => say(`the judge ended: ${oneLine(why, 160)}; save the policy to start it again`));
    return judge;
  };
  let judge = await start(current);
  const front = await openFront(judge.port);
  stage.beforeClose(close);

  async function reload(): Promise<void> {
    try {
      const loaded = await loadPolicy(policyFile);
      watch(loaded.files);
      if (policyHash(loaded.policy) === policyHash(current)) {
        say(`${clock()} saved, and the policy is the same`);
        return;
      }
      const next = await start(loaded.policy);
      front.pointTo(next.port);
      const before = judge;
      judge = next;
      const changes = policyDiff(current, loaded.policy);
      current = loaded.policy;
      say(oneLine(`${clock()} reloaded: ${changes.join("; ")}`, 240));
      await before.stop();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      say(
        oneLine(`${clock()} not reloaded, the last good policy serves: ${text.replace(/\n\s*/g, " ")}`, 400),
      );
    }
  }

  // Reloads follow one another; a file saved meanwhile is read by the next.
  let queue: Promise<void> = Promise.resolve();
  let waiting = false;
  const changed = () => {
    if (waiting || closed) return;
    waiting = true;
    queue = after(queue, async () => {
      waiting = false;
      if (!closed) await reload();
    });
  };
  const watched = new Set<string>();
  function watch(paths: readonly string[]): void {
    for (const path of paths) {
      if (watched.has(path) || closed) continue;
      watched.add(path);
      watchFile(path, { interval: lookMs }, changed);
    }
  }
  watch(files);

  const review = join(stage.directory, "review.json");
  await writeFile(review, JSON.stringify(reviewOf(await readWorkload("checkout")), undefined, 2));
  return {
    url: `https://127.0.0.1:${front.port}`,
    secret: stage.secret,
    caFile: stage.caFile,
    review,
  };

  async function close(): Promise<void> {
    closed = true;
    for (const path of watched) unwatchFile(path, changed);
    await front.close();
  }

  function clock(): string {
    return `${basename(policyFile)} ${new Date().toTimeString().slice(0, 8)}`;
  }
}

async function after(before: Promise<void>, run: () => Promise<void>): Promise<void> {
  await before;
  await run();
}
