/**
 * What admissions notice of everything that is told about them: the judge's p99 with observer, event sink, reports and
 * Kubernetes Events, against that of a judge that writes to standard output alone. Two judges, asked in turn.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildBundle } from "@gatehouse/webhook/build";
import { startJudgeProgram } from "../load/judge-process.ts";
import type { Beside, CameOfIt } from "./events-child.ts";
import { reviewNumber } from "./events-samples.ts";
import { median, quantile, rounded, type Figure } from "./figures.ts";
import { keepAlive, load } from "./load.ts";

const rounds = 8;
/** Requests of one round, and the pause before each: a cluster's admissions come one by one. */
const count = 250;
const pauseMs = 10;
/** For what was told in one round to have gone on before the next. */
const restMs = 1_000;
const warmUp = 500;

export async function* bench(): AsyncIterable<Figure> {
  const child = fork(join(import.meta.dirname, "events-child.ts"));
  try {
    const beside = await saidBy<Beside>(child);
    const { file } = await buildBundle(join(beside.folder, "judge.mjs"));
    const start = (args: readonly string[]) => startJudgeProgram(file, beside, { args, line: () => {} });
    const judges = {
      alone: await start(["--instance=judge-0"]),
      told: await start(["--instance=judge-1", ...beside.observerFlags]),
    };
    const agent = keepAlive(1, beside.ca);
    const once1 = { count: 1, connections: 1 };
    let sent = 0;
    const ask = async (name: keyof typeof judges) => {
      const url = `${judges[name].url}/validate/${beside.secret}?timeout=10s`;
      const { latencies } = await load(agent, url, reviewNumber(sent++), once1);
      return latencies[0] ?? Number.NaN;
    };
    try {
      for (const name of ["alone", "told"] as const)
        for (let index = 0; index < warmUp; index += 1) await ask(name);
      const took: Record<keyof typeof judges, number[][]> = { alone: [], told: [] };
      for (let turn = 0; turn < rounds; turn += 1)
        for (const name of turn % 2 === 0 ? (["alone", "told"] as const) : (["told", "alone"] as const)) {
          await sleep(restMs);
          const round: number[] = [];
          for (let index = 0; index < count; index += 1) {
            await sleep(pauseMs);
            round.push(await ask(name));
          }
          took[name].push(round);
        }
      await sleep(restMs);
      child.send("what came of it");
      const came = await saidBy<CameOfIt>(child);
      const expected = warmUp + rounds * count;
      if (came.received < expected || came.reports === 0 || came.kubernetesEvents === 0)
        throw new Error(`not all of it was on: of ${expected} events ${JSON.stringify(came)}`);
      for (const [name, share] of [
        ["admission_p99_multiple", 0.99],
        ["admission_p50_multiple", 0.5],
      ] as const) {
        // Of each round, so that a moment in which the machine was not ours counts for one round only.
        const of = (name: keyof typeof judges) => median(took[name].map((round) => quantile(round, share)));
        const alone = of("alone");
        yield {
          figure: name,
          value: rounded(of("told") / alone),
          unit: "times that with standard output alone",
          ...(share === 0.99 ? { aim: "1.2 or less" } : {}),
          baseline: `${rounded(alone)} ms`,
        };
      }
    } finally {
      agent.destroy();
      await Promise.all(Object.values(judges).map((judge) => judge.kill()));
    }
  } finally {
    if (child.connected) {
      child.disconnect();
      await once(child, "exit");
    }
  }
}

/** The child's next message. @throws when it ends instead; it has said why itself */
async function saidBy<T>(child: ChildProcess): Promise<T> {
  const [message] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => Promise.reject(new Error("what stands beside the judge has ended"))),
  ])) as [T];
  return message;
}
