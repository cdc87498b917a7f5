import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalJson, policyHash } from "@gatehouse/policy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildBundle, bundleLimit, type Bundle } from "./build.ts";
import { pod, policy, review, secret } from "./src/testing/fixtures.ts";
import { createAuthority } from "./src/tls/certificate.ts";

let folder: string;
let bundle: Bundle;
let ca: string;
const running: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "judge-"));
  bundle = await buildBundle(join(folder, "judge.mjs"));
  const authority = createAuthority({ name: "test", now: Date.now(), lifeMs: 86_400_000 });
  ca = authority.certificate;
  await mkdir(join(folder, "ca"));
  await writeFile(join(folder, "ca", "tls.crt"), authority.certificate);
  await writeFile(join(folder, "ca", "tls.key"), authority.key);
  await writeFile(join(folder, "policy.json"), canonicalJson(policy));
  await writeFile(join(folder, "secret"), secret);
  await writeFile(
    join(folder, "config.json"),
    JSON.stringify({
      version: 1,
      cluster: { name: "test" },
      mode: "deny",
      policyHash: policyHash(policy),
      platforms: ["linux/amd64"],
      sources: [],
      pin: true,
      excludedNamespaces: [],
      gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
    }),
  );
});

afterAll(async () => {
  for (const child of running) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

interface Started {
  child: ChildProcess;
  output: () => string;
  errors: () => string;
  exit: Promise<number | null>;
}

function start(args: readonly string[]): Started {
  const child = spawn(process.execPath, [bundle.file, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, exit, output: () => output, errors: () => errors };
}

const args = (
  "--config config.json --policy policy.json --ca ca --secret-file secret " +
  "--listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --ip 127.0.0.1 --no-kubernetes --unready-ms 300"
).split(" ");

async function until<T>(what: () => T | undefined): Promise<T> {
  for (;;) {
    const value = what();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function ask(url: string, body?: unknown): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        ca,
        method: body === undefined ? "GET" : "POST",
        headers: { "content-type": "application/json" },
        agent: false,
      },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

describe("the judge's bundle", () => {
  it("fits into a ConfigMap, has the same bytes each time and names no folder of ours", async () => {
    expect(bundle.bytes).toBeLessThanOrEqual(bundleLimit);
    const again = await buildBundle(join(folder, "elsewhere", "judge.mjs"));
    expect([again.sha256, again.bytes]).toEqual([bundle.sha256, bundle.bytes]);
    expect(await readFile(bundle.file, "utf8")).not.toContain(process.cwd());
  });

  it("answers over TLS, writes one line for each event, and ends well", async () => {
    const judge = start(args);
    const url = await until(() => /"url":"(https:[^"]+)"/.exec(judge.errors())?.[1]);
    expect(await ask(`${url}/readyz`)).toEqual({ status: 200, text: "ok\n" });
    expect((await ask(`${url}/metrics`)).status).toBe(404);
    const metrics = /"metrics":"(https:[^"]+)"/.exec(judge.errors())?.[1];
    expect((await ask(`${metrics}/metrics`)).text).toContain("gatehouse_in_flight 0");
    expect((await ask(`${metrics}/validate/${secret}`, {})).status).toBe(404);

    const body = review(pod(["registry.example/app:1"]), { uid: "uid-1" });
    const { status, text } = await ask(`${url}/validate/${secret}?timeout=5s`, body);
    const { response } = JSON.parse(text) as { response: { allowed: boolean; status: { message: string } } };
    expect([status, response.allowed]).toEqual([200, false]);
    expect(response.status.message.split("\n")[0]).toBe("Gatehouse denied Pod shop/web [GH1014]");
    expect((await ask(`${url}/validate/wrong`, body)).status).toBe(404);

    judge.child.kill("SIGTERM");
    await until(() => (judge.errors().includes("stopping") ? true : undefined));
    expect(await ask(`${url}/readyz`)).toEqual({ status: 503, text: "not ready: it is stopping\n" });
    expect((await ask(`${url}/validate/${secret}`, review(pod(["registry.example/app:1"])))).status).toBe(
      200,
    );
    expect(await judge.exit).toBe(0);
    const events = judge
      .output()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; data: { action: string } });
    expect(events.map(({ data }) => data.action)).toEqual(["deny", "deny"]);
    expect(events[0]?.id).toBe("uid-1");
  });

  it("does not start from a wrong configuration, and says all of why last on standard error", async () => {
    const judge = start(args.map((arg) => (arg === "policy.json" || arg === "ca" ? "missing" : arg)));
    expect(await judge.exit).toBe(1);
    expect(judge.output()).toBe("");
    expect(
      judge
        .errors()
        .split("\n")
        .map((line) => line.replace(/:.*/, "")),
    ).toEqual([
      "the judge's configuration has 3 problems [GH1112]",
      "  missing",
      "  missing/tls.crt",
      "  missing/tls.key",
      "",
    ]);
  });
});
