import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalJson, policyHash } from "@gatehouse/policy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { policy, secret } from "../testing/fixtures.ts";
import { createAuthority, issueServerCertificate, readAuthority } from "../tls/certificate.ts";
import { readStart, type JudgePaths } from "./config.ts";

let folder: string;
let paths: JudgePaths;
const prepare = () => Promise.resolve("prepared");

const config = {
  version: 1,
  cluster: { name: "test" },
  mode: "deny",
  policyHash: policyHash(policy),
  platforms: "nodes",
  sources: [],
  pin: true,
  excludedNamespaces: ["kube-system"],
  gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "start-"));
  const authority = createAuthority({ name: "test", now: Date.now(), lifeMs: 86_400_000 });
  const leaf = issueServerCertificate(readAuthority(authority), {
    dnsNames: ["x"],
    now: Date.now(),
    lifeMs: 1000,
  });
  const put = (name: string, text: string) => writeFile(join(folder, name), text);
  for (const [name, pair] of Object.entries({ "2026": authority, "2027": authority, leaf })) {
    await mkdir(join(folder, name));
    await put(join(name, "tls.crt"), pair.certificate);
    await put(join(name, "tls.key"), pair.key);
  }
  await put("config.json", JSON.stringify(config));
  await put("policy.json", canonicalJson(policy));
  await put("secret", `${secret}\n`);
  await put("wrong-config.json", JSON.stringify({ ...config, mode: "enforce", platforms: [], extra: 1 }));
  await put("other-config.json", JSON.stringify({ ...config, policyHash: "0".repeat(64) }));
  await put("wrong-policy.json", JSON.stringify({ ...policy, rules: { "Not A Name": {} } }));
  await put("broken.json", "{");
  await put("wrong-secret", "short\nwith a space in it and long enough\n");
  paths = {
    config: join(folder, "config.json"),
    policy: join(folder, "policy.json"),
    authorities: [join(folder, "2026"), join(folder, "2027")],
    secrets: join(folder, "secret"),
  };
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** The message of what is thrown, without the folder's name. */
async function problems(
  change: Partial<JudgePaths>,
  prepared: () => Promise<unknown> = prepare,
): Promise<string[]> {
  try {
    await readStart({ ...paths, ...change }, prepared);
  } catch (error) {
    return (error as Error).message.replaceAll(`${folder}/`, "").split("\n");
  }
  throw new Error("expected an error");
}

describe("readStart", () => {
  it("reads all of it", async () => {
    const start = await readStart(paths, prepare);
    expect({ ...start, authorities: start.authorities.length }).toEqual({
      config,
      policy,
      authorities: 2,
      secrets: [secret],
      prepared: "prepared",
    });
  });

  it("lists everything that is wrong in one error", async () => {
    const said = await problems(
      {
        config: join(folder, "wrong-config.json"),
        policy: join(folder, "wrong-policy.json"),
        secrets: join(folder, "wrong-secret"),
        authorities: [join(folder, "leaf"), join(folder, "none")],
      },
      prepare,
    );
    const places = said.slice(1).map((line) => /^ {2}([^:]+(?:: [\w.]+(?=:))?)/.exec(line)?.[1]);
    for (const place of [
      "wrong-config.json: mode",
      "wrong-config.json: extra",
      "wrong-secret",
      "leaf",
      "none/tls.crt",
      "none/tls.key",
    ]) {
      expect(places.some((one) => one?.startsWith(place))).toBe(true);
    }
    expect(said.some((line) => line.includes("wrong-policy.json"))).toBe(true);
    expect(said[0]).toMatch(/^the judge's configuration has \d+ problems \[GH1112\]:$/);
  });

  it("refuses a policy that is not the one the configuration names", async () => {
    expect(await problems({ config: join(folder, "other-config.json") })).toEqual([
      "the judge's configuration has a problem [GH1112]:",
      `  policy.json: expected the policy with the hash ${"0".repeat(64)} that the configuration names, got ${policyHash(policy)}`,
    ]);
  });

  it("refuses to start without an authority", async () => {
    expect(await problems({ authorities: [] })).toEqual([
      "the judge's configuration has a problem [GH1112]:",
      "  --ca: expected at least one folder with tls.crt and tls.key",
    ]);
  });

  it("puts what the sources complain of beside the rest", async () => {
    const complain = () => Promise.reject(new Error("sources[0] (a): no\nsources[1] (b): neither"));
    expect(await problems({ policy: join(folder, "broken.json") }, complain)).toEqual([
      "the judge's configuration has 3 problems [GH1112]:",
      "  config.json: sources[0] (a): no",
      "  config.json: sources[1] (b): neither",
      expect.stringMatching(/^ {2}broken\.json: expected JSON: /) as string,
    ]);
  });
});
