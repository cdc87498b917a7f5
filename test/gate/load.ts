/** A steady load of creations on a cluster, and what became of each. */
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../cluster/cluster.ts";
import { clean, vulnerable } from "./reports.ts";
import { workload } from "./workloads.ts";

/** One creation. */
export interface Creation {
  readonly name: string;
  readonly image: string;
  /** HTTP status of the API server: 201 created, 400 denied by the gate; 0 when there was no answer. */
  readonly status: number;
  /** What a first try ended with that failed, after which a second one was made a second later. */
  readonly failure?: string;
  /** The message of a status other than 201. */
  readonly message: string;
  /** What `phase` said when it began. */
  readonly phase: string;
  /** Of the first try. */
  readonly milliseconds: number;
}

const answered = ({ status }: Pick<Creation, "status">) => status === 201 || status === 400;

/** A load that goes on until it is stopped. */
export interface Load {
  /** Names what happens from now on. */
  phase(name: string): void;
  /** Ends it, waits for what is under way, and gives all creations in the order of their beginning. */
  stop(): Promise<Creation[]>;
}

/**
 * Creates PodTemplates, which nobody acts upon, by turns with a vulnerable and a clean image. A new one begins every
 * so often, whether or not the last one has ended. What fails is tried once more, as a controller would.
 */
export function startLoad(cluster: Cluster, perSecond: number): Load {
  const agent = new Agent({
    keepAlive: true,
    cert: cluster.admin.certificate,
    key: cluster.admin.key,
    ca: cluster.admin.ca,
  });
  const creations: Promise<Creation>[] = [];
  let phase = "start";
  const stopping = new AbortController();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const number = creations.length;
      const { reference } = number % 2 === 0 ? clean : vulnerable;
      creations.push(create(`load-${number}`, reference, phase));
      await sleep(1000 / perSecond);
    }
  }

  async function create(name: string, image: string, during: string): Promise<Creation> {
    const start = performance.now();
    const body = JSON.stringify(workload("PodTemplate", name, image));
    const first = await post(body);
    const milliseconds = performance.now() - start;
    if (answered(first)) return { name, image, ...first, phase: during, milliseconds };
    await sleep(1000);
    return { name, image, ...(await post(body)), failure: first.message, phase: during, milliseconds };
  }

  function post(body: string): Promise<Pick<Creation, "status" | "message">> {
    return new Promise((resolve) => {
      const call = request(
        `${cluster.admin.server}/api/v1/namespaces/default/podtemplates`,
        { method: "POST", agent, headers: { "content-type": "application/json" } },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (text += chunk));
          response.on("end", () => {
            const status = response.statusCode ?? 0;
            const message = status === 201 ? "" : (JSON.parse(text) as { message: string }).message;
            resolve({ status, message });
          });
        },
      );
      call.on("error", (error) => resolve({ status: 0, message: error.message }));
      call.end(body);
    });
  }

  const ended = run();
  return {
    phase(name) {
      phase = name;
    },
    async stop() {
      stopping.abort();
      await ended;
      const all = await Promise.all(creations);
      agent.destroy();
      return all;
    },
  };
}
