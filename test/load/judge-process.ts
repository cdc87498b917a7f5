/** The bundled judge as a process of its own, asked over TLS as an API server asks it. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { canonicalJson, policyHash, type GateConfig, type Policy } from "@gatehouse/policy";
import { buildBundle } from "@gatehouse/webhook/build";
import { createAuthority } from "../cluster/certificates.ts";
import { workload } from "../gate/workloads.ts";

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

/** Builds the bundle, starts it and waits until it answers. */
export async function startJudge(
  policy: Policy,
  sources: GateConfig["sources"],
  connections: number,
): Promise<JudgeProcess> {
  const folder = await mkdtemp(join(tmpdir(), "gatehouse-load-"));
  const at = (name: string) => join(folder, name);
  const { file } = await buildBundle(at("judge.mjs"));
  const authority = await createAuthority("load");
  const secret = randomUUID();
  const config: GateConfig = {
    version: 1,
    cluster: { name: "load" },
    mode: "deny",
    policyHash: policyHash(policy),
    platforms: ["linux/amd64"],
    sources,
    pin: true,
    excludedNamespaces: [],
    gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
  };
  await mkdir(at("ca"));
  await Promise.all([
    writeFile(at("policy.json"), canonicalJson(policy, "policy")),
    writeFile(at("config.json"), JSON.stringify(config)),
    writeFile(at("ca/tls.crt"), authority.certificate),
    writeFile(at("ca/tls.key"), authority.key),
    writeFile(at("secret"), secret),
  ]);
  const child = spawn(
    process.execPath,
    [
      file,
      `--config=${at("config.json")}`,
      `--policy=${at("policy.json")}`,
      `--ca=${at("ca")}`,
      `--secret-file=${at("secret")}`,
      "--listen=127.0.0.1:0",
      "--ip=127.0.0.1",
      "--no-kubernetes",
      "--unready-ms=0",
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"] ?? "" } },
  );
  let events = 0;
  const errors: string[] = [];
  createInterface({ input: child.stdout }).on("line", () => events++);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (!line.startsWith("{")) return void errors.push(line);
      const { level, url: answers } = JSON.parse(line) as { level: string; url?: string };
      if (answers !== undefined) resolve(answers);
      if (level === "error") errors.push(line);
    });
    void ended.then(() => reject(new Error(`the judge ended: ${errors.join("\n")}`)));
  });
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: authority.certificate });

  function post(body: string, timeout: number): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const call = request(
        `${url}/validate/${secret}?timeout=${timeout}s`,
        { method: "POST", agent, headers: { "content-type": "application/json" } },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (text += chunk));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
          response.on("error", reject);
        },
      );
      call.on("error", reject);
      call.end(body);
    });
  }

  return {
    async review(image, timeout) {
      const object = workload("Pod", "load", image);
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
          object,
          oldObject: null,
          dryRun: false,
        },
      });
      const start = performance.now();
      const { status, text } = await post(body, timeout);
      const milliseconds = performance.now() - start;
      if (status !== 200) return { status, allowed: false, code: text, milliseconds };
      const { response } = JSON.parse(text) as {
        response: { allowed: boolean; auditAnnotations?: { code?: string } };
      };
      return { status, allowed: response.allowed, code: response.auditAnnotations?.code, milliseconds };
    },
    async stop() {
      agent.destroy();
      child.kill("SIGTERM");
      const code = await ended;
      await rm(folder, { recursive: true });
      return { events, errors, code };
    },
  };
}

/** Whether the whole count is asked for rather than a tenth. */
export const soak = process.env["GATEHOUSE_SOAK"] === "1";
