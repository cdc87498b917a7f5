/**
 * Creation through a real API server: without any webhook, with one that only echoes, and with the gate in mode deny,
 * which has judged the image before. Each target has a namespace of its own, so that nothing is switched in between.
 */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import type { Cluster } from "../cluster/cluster.ts";
import { apply, rolledOut } from "../cluster/testing/kubernetes.ts";
import { clean } from "../gate/reports.ts";
import { workload } from "../gate/workloads.ts";
import { startWorld } from "../gate/world.ts";
import { echoRegistration, echoServer } from "./echo-webhook.ts";
import { median, quantile, rounded } from "./figures.ts";
import type { Figure } from "./figures.ts";
import { load } from "./load.ts";

const targets = ["none", "echo", "gate"] as const;
type Target = (typeof targets)[number];
const kinds = { Pod: "/api/v1", Deployment: "/apis/apps/v1" } as const;
type Kind = keyof typeof kinds;

const connections = 8;
/** Not counted: for compilers and caches. */
const warmUps = 2;
const rounds = 6;
const count = 120;

const namespaceOf = (target: Target) => `bench-${target}`;

/** A new object for each request; Pods that nobody schedules, Deployments that want none. */
function bodyOf(kind: Kind, target: Target): string {
  return JSON.stringify(
    workload(kind, "bench", clean.reference, {
      namespace: namespaceOf(target),
      metadata: { name: undefined, generateName: "bench-" },
      ...(kind === "Pod" ? { podSpec: { schedulerName: "nobody" } } : { spec: { replicas: 0 } }),
    }),
  );
}

async function prepare(cluster: Cluster): Promise<void> {
  const { objects, caBundle } = await echoServer();
  const namespaces = targets.map((target) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespaceOf(target) },
  }));
  await apply(cluster, ...namespaces, ...objects);
  await rolledOut(cluster, "echo");
  await apply(cluster, ...echoRegistration(namespaceOf("echo"), caBundle));
}

/** Empties the namespaces, so that every round meets the same cluster. */
async function clear(agent: Agent, server: string): Promise<void> {
  for (const target of targets)
    for (const kind of ["Deployment", "Pod"] as const) {
      const call = request(`${collection(server, kind, target)}?gracePeriodSeconds=0`, {
        method: "DELETE",
        agent,
      });
      call.end();
      const [response] = (await once(call, "response")) as [IncomingMessage];
      const answer = await text(response);
      if (response.statusCode !== 200) throw new Error(`the ${kind}s of ${target} stay: ${answer}`);
    }
}

function collection(server: string, kind: Kind, target: Target): string {
  return `${server}${kinds[kind]}/namespaces/${namespaceOf(target)}/${kind.toLowerCase()}s`;
}

export async function* bench(): AsyncIterable<Figure> {
  const world = await startWorld();
  const { cluster } = world;
  const { server, certificate: cert, key, ca } = cluster.admin;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, cert, key, ca });
  try {
    await prepare(cluster);
    await world.up({
      excludedNamespaces: ["kube-system", "default", namespaceOf("none"), namespaceOf("echo")],
    });
    for (const kind of ["Pod", "Deployment"] as const) {
      const rates: Record<Target, number[]> = { none: [], echo: [], gate: [] };
      const tails: Record<Target, number[]> = { none: [], echo: [], gate: [] };
      for (let round = -warmUps; round < rounds; round += 1) {
        // Each comes first as often as last.
        for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
          const url = collection(server, kind, target);
          const { rate, latencies } = await load(agent, url, bodyOf(kind, target), { count, connections });
          if (round < 0) continue;
          rates[target].push(rate);
          tails[target].push(quantile(latencies, 0.99));
        }
        await clear(agent, server);
      }
      yield* figures(kind, rates, tails);
    }
  } finally {
    agent.destroy();
    await world.stop();
  }
}

function figures(
  kind: Kind,
  rates: Record<Target, number[]>,
  tails: Record<Target, number[]>,
): readonly Figure[] {
  const name = kind.toLowerCase();
  const rate = (target: Target) => rounded(median(rates[target]));
  const tail = (target: Target) => rounded(median(tails[target]));
  return [
    {
      figure: `${name}_throughput_share`,
      value: ratio(rates),
      unit: "of the creations per second with an echo webhook",
      aim: "0.9 or more",
      baseline: `${rate("echo")} creations/s, ${rate("none")} without a webhook`,
    },
    {
      figure: `${name}_p99_multiple`,
      value: ratio(tails),
      unit: "times the p99 with an echo webhook",
      aim: "1.2 or less",
      baseline: `${tail("echo")} ms, ${tail("none")} ms without a webhook`,
    },
  ];
}

/** The gate against the echo: the median of what each round says, since a machine's speed drifts from round to round. */
function ratio(values: Record<Target, readonly number[]>): number {
  return rounded(median(values.gate.map((value, round) => value / (values.echo[round] ?? Number.NaN))));
}
