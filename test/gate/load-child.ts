/** The process of a load, see `load.ts`: it is told where to create, then phases and `stop`; it answers with all creations. */
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Credentials } from "../cluster/control-plane.ts";
import type { Creation } from "./load.ts";
import { clean, vulnerable } from "./reports.ts";
import { workload } from "./workloads.ts";

/** What it is told. */
export type Told = LoadPlan | { readonly phase: string } | "stop";

interface LoadPlan {
  readonly admin: Credentials;
  /** Leads to the API server. */
  readonly socketPath: string;
  readonly perSecond: number;
}

const { promise: planned, resolve: begin } = Promise.withResolvers<LoadPlan>();
const stopping = new AbortController();
let phase = "start";
process.on("message", (told: Told) => {
  if (told === "stop") stopping.abort();
  else if ("phase" in told) ({ phase } = told);
  else begin(told);
});
// Whoever asked for it is gone.
process.on("disconnect", () => process.exit(1));

const { admin, socketPath, perSecond } = await planned;
const agent = new Agent({ keepAlive: true, cert: admin.certificate, key: admin.key, ca: admin.ca });
const now = () => performance.timeOrigin + performance.now();
const answered = ({ status }: Pick<Creation, "status">) => status === 201 || status === 400;

const mostTries = 4;

async function create(name: string, image: string, during: string): Promise<Creation> {
  const startedAt = now();
  const body = JSON.stringify(workload("PodTemplate", name, image));
  const first = await post(body);
  const tried = { name, image, phase: during, startedAt, milliseconds: now() - startedAt };
  let last = first;
  for (let tries = 1; !answered(last) && tries < mostTries; tries++) {
    await sleep(1000);
    last = await post(body);
  }
  return { ...tried, ...last, ...(answered(first) ? {} : { failure: first.message }) };
}

function post(body: string): Promise<Pick<Creation, "status" | "message">> {
  return new Promise((resolve) => {
    const call = request(
      `${admin.server}/api/v1/namespaces/default/podtemplates`,
      { method: "POST", agent, socketPath, headers: { "content-type": "application/json" } },
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

const creations: Promise<Creation>[] = [];
while (!stopping.signal.aborted) {
  const number = creations.length;
  creations.push(create(`load-${number}`, (number % 2 === 0 ? clean : vulnerable).reference, phase));
  await sleep(1000 / perSecond);
}
const all = await Promise.all(creations);
process.removeAllListeners("disconnect");
process.send?.(all, () => process.disconnect());
agent.destroy();
