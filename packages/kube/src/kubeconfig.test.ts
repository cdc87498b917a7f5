import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromKubeconfig } from "./kubeconfig.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const b64 = (text: string) => Buffer.from(text).toString("base64");
const PEM = "-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n";

function kubeconfig(user: object, cluster: object = {}): string {
  return JSON.stringify({
    "current-context": "here",
    clusters: [{ name: "c", cluster: { server: "https://cluster.test:6443", ...cluster } }],
    contexts: [{ name: "here", context: { cluster: "c", user: "u", namespace: "shop" } }],
    users: [{ name: "u", user }],
  });
}

/** A plugin that says what it was told, as its token. */
function plugin(script: string, extra: object = {}): object {
  const apiVersion = "client.authentication.k8s.io/v1";
  return { exec: { apiVersion, command: process.execPath, args: ["-e", script], ...extra } };
}

describe("a kubeconfig", () => {
  test("gives server, CA, credentials, namespace and whom to act as", async () => {
    const text = kubeconfig(
      { token: "t", as: "jane", "as-groups": ["dev"] },
      { "certificate-authority-data": b64(PEM), "tls-server-name": "api" },
    );
    expect(await fromKubeconfig({ text })).toEqual({
      server: "https://cluster.test:6443",
      ca: PEM,
      tlsServerName: "api",
      credentials: { kind: "token", token: "t" },
      namespace: "shop",
      impersonate: { user: "jane", groups: ["dev"] },
    });
  });

  test("starts relative paths from its own folder and merges files, the first winning", async () => {
    await writeFile(join(folder, "ca.pem"), PEM);
    await writeFile(
      join(folder, "one"),
      kubeconfig({ tokenFile: "token" }, { "certificate-authority": "ca.pem" }),
    );
    await writeFile(join(folder, "two"), kubeconfig({ token: "ignored" }));
    const env = { KUBECONFIG: [join(folder, "one"), join(folder, "absent"), join(folder, "two")].join(":") };
    const config = await fromKubeconfig({ env });
    expect([config.ca, config.credentials]).toEqual([
      PEM,
      { kind: "token-file", path: join(folder, "token") },
    ]);
  });

  test("runs its plugin with the cluster's data when asked for", async () => {
    const script = `const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
      console.log(JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential",
        status: { token: [spec.cluster.server, spec.interactive, process.env.X].join(),
          expirationTimestamp: "2026-11-22T12:00:00Z" } }));`;
    const user = plugin(script, { provideClusterInfo: true, env: [{ name: "X", value: "y" }] });
    const { credentials } = await fromKubeconfig({ text: kubeconfig(user), interactive: false });
    expect(credentials.kind === "provider" && (await credentials.get())).toEqual({
      token: "https://cluster.test:6443,false,y",
      certificate: undefined,
      key: undefined,
      expiresAt: Date.parse("2026-11-22T12:00:00Z"),
    });
  });

  test.each([
    [
      "fails",
      plugin("console.error('log in first'); process.exit(3)"),
      "it failed with code 3: log in first",
    ],
    ["prints no JSON", plugin("console.log('secret')"), "its output is not JSON"],
    [
      "gives nothing",
      plugin(
        `console.log('{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{}}')`,
      ),
      "its output holds no credential",
    ],
    ["is missing", plugin("", { command: "no-such-plugin", installHint: "brew it" }), "ENOENT; brew it"],
    ["needs a person", plugin("", { interactiveMode: "Always" }), "it needs a terminal"],
  ])("names file, context and plugin when the plugin %s", async (_case, user, words) => {
    const path = join(folder, "plugin");
    await writeFile(path, kubeconfig(user));
    const { credentials } = await fromKubeconfig({ path, interactive: false });
    const failed = credentials.kind === "provider" ? credentials.get() : Promise.resolve();
    await expect(failed).rejects.toMatchObject({ code: "unauthorized" });
    const again = credentials.kind === "provider" ? credentials.get() : Promise.resolve();
    await expect(again).rejects.toThrow(words);
    const third = credentials.kind === "provider" ? credentials.get() : Promise.resolve();
    await expect(third).rejects.toThrow(`kubeconfig ${path}, context "here": credential plugin`);
  });

  test("that cannot be used is refused with every reason", async () => {
    const bad = kubeconfig(
      { username: "u", "client-key-data": b64("k"), "as-uid": "1", "auth-provider": { name: "gcp" } },
      { "proxy-url": "http://proxy", "certificate-authority": "/nowhere/ca" },
    );
    await expect(fromKubeconfig({ text: bad })).rejects.toThrow(
      /context "here": proxy-url.*certificate-authority \/nowhere\/ca.*username.*as-uid.*expected both or none.*gcp/,
    );
    await expect(fromKubeconfig({ text: kubeconfig({}), context: "there" })).rejects.toThrow(
      'kubeconfig text: context "there" does not exist; its contexts are here',
    );
    await expect(fromKubeconfig({ path: join(folder, "none") })).rejects.toThrow(
      `kubeconfig ${join(folder, "none")}: cannot be read`,
    );
    await expect(fromKubeconfig({ text: "a: b: c" })).rejects.toThrow("kubeconfig text: not YAML");
    await expect(fromKubeconfig({ text: "clusters: 3" })).rejects.toThrow("not a kubeconfig: clusters");
    await expect(fromKubeconfig({ text: "{}" })).rejects.toThrow("it has no contexts");
  });
});
