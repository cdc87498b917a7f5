/** The bundled judge as a process of its own, asked over TLS as an API server asks it. */
import { randomUUID } from "node:crypto";
import { Agent, request } from "node:https";
import { join } from "node:path";
import type { GateConfig, Policy } from "@gatehouse/policy";
import { buildBundle } from "@gatehouse/webhook/build";
import { workload } from "../gate/workloads.ts";
import { writeGateFiles, type GateFiles } from "./gate-files.ts";
import { startProgram, type Program } from "./program.ts";

/** What the judge made of one review. */
export interface Verdict {
  readonly status: number;
  readonly allowed: boolean;
  /** The leading message code; absent when there was nothing to say. */
  readonly code: string | undefined;
  readonly milliseconds: number;
}

export interface JudgeProcess {
  /** Has the creation of a Pod with this image judged. `timeout` is the API server's, in seconds. */
  review(image: string, timeout: number): Promise<Verdict>;
  /** Ends it, after it has written all events, and returns how many it wrote and what its own log complains of. */
  stop(): Promise<{
    readonly events: number;
    readonly errors: readonly string[];
    readonly code: number | null;
  }>;
}

/** Starts a built judge with the flags of its files; `args` are further ones. */
export function startJudgeProgram(
  bundle: string,
  { flags }: Pick<GateFiles, "flags">,
  options: { args?: readonly string[]; line?: (text: string) => void } = {},
): Promise<Program> {
  const { args = [], line } = options;
  const always = ["--listen=127.0.0.1:0", "--no-kubernetes", "--unready-ms=0"];
  return startProgram({
    file: bundle,
    args: [...flags, ...always, ...args],
    ...(line === undefined ? {} : { line }),
  });
}

/** Posts a review and reads the answer. Rejects when the connection breaks. */
export function postReview(
  agent: Agent,
  url: string,
  body: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const call = request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    call.on("error", reject);
    call.end(body);
  });
}

/** Builds the bundle, starts it and waits until it answers. */
export async function startJudge(
  policy: Policy,
  sources: GateConfig["sources"],
  connections: number,
): Promise<JudgeProcess> {
  const files = await writeGateFiles(policy, () => ({ sources }));
  const { file } = await buildBundle(join(files.folder, "judge.mjs"));
  let events = 0;
  const judge = await startJudgeProgram(file, files, { line: () => events++ });
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: files.authority.certificate });
  return {
    async review(image, timeout) {
      const body = JSON.stringify({
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        request: {
          uid: randomUUID(),
          kind: { group: "", version: "v1", kind: "Pod" },
          name: "load",
          namespace: "default",
          operation: "CREATE",
          userInfo: { username: "load", groups: [] },
          object: workload("Pod", "load", image),
          oldObject: null,
          dryRun: false,
        },
      });
      const start = performance.now();
      const url = `${judge.url}/validate/${files.secret}?timeout=${timeout}s`;
      const { status, text } = await postReview(agent, url, body);
      const milliseconds = performance.now() - start;
      if (status !== 200) return { status, allowed: false, code: text, milliseconds };
      const { response } = JSON.parse(text) as {
        response: { allowed: boolean; auditAnnotations?: { code?: string } };
      };
      return { status, allowed: response.allowed, code: response.auditAnnotations?.code, milliseconds };
    },
    async stop() {
      agent.destroy();
      const code = await judge.stop();
      await files.remove();
      return { events, errors: judge.errors, code };
    },
  };
}
