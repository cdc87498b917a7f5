/** Arguments that are known only once an Output is: what the real CLI says when one of them is wrong. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { root } from "../steps.ts";

let folder: string;

/** Runs the CLI in the folder and gives what it printed and how it ended. */
function pulumi(...args: string[]): Promise<{ code: number; printed: string }> {
  const env = {
    ...process.env,
    PATH: [join(root, "node_modules/.bin"), process.env["PATH"] ?? ""].join(delimiter),
    PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "nothing but a test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  return new Promise((resolve) => {
    execFile("pulumi", [...args, "--non-interactive"], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, printed: `${stdout}${stderr}` }),
    );
  });
}

/** A program of one component. */
function writeProgram(importing: string, building: string): void {
  writeFileSync(
    join(folder, "index.mjs"),
    `import * as pulumi from "@pulumi/pulumi";
import { ${importing} } from "@gatehouse/${importing === "EcrScanning" ? "aws" : "gcp"}";
const later = (value) => pulumi.output(Promise.resolve(value));
${building}
`,
  );
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-late-"));
  mkdirSync(join(folder, "state"));
  const runtime = { name: "nodejs", options: { typescript: false } };
  writeFileSync(join(folder, "Pulumi.yaml"), stringify({ name: "late", runtime, main: "index.mjs" }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", main: "index.mjs" }));
  symlinkSync(join(root, "stacks/node_modules"), join(folder, "node_modules"));
  await pulumi("stack", "init", "dev");
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  [
    "EcrScanning",
    `new EcrScanning("ecr", {
      cluster: { issuer: later("http://issuer.example/") },
      oidcProvider: { create: true },
      repositories: [later("shop/web")],
    });`,
    [
      'EcrScanning "ecr" cannot be built, an argument must be mended [GH2001]:',
      '      cluster.issuer: expected the cluster\'s OIDC issuer, https and without port, query or fragment, got "http://issuer.example/"',
      '      repositories.0: expected ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME, or a prefix of names that ends in *, got "shop/web"',
    ],
  ],
  [
    "ArtifactRegistryScanning",
    `new ArtifactRegistryScanning("images", {
      cluster: { issuer: "https://issuer.example/" },
      workloadIdentityProvider: later("cluster"),
      repositories: ["europe-west1-docker.pkg.dev/shop-images/shop"],
    });`,
    [
      'ArtifactRegistryScanning "images" cannot be built, an argument must be mended [GH2001]:',
      '      workloadIdentityProvider: expected projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, with the project\'s number, or { create: true }, got "cluster"',
    ],
  ],
])(
  "%s: a sentence for each, no stack, and nothing that goes on",
  async (component, building, sentences) => {
    writeProgram(component, building);
    const { code, printed } = await pulumi("preview");
    expect([code > 0, printed.includes("1 errored")]).toEqual([true, true]);
    for (const sentence of sentences) expect(printed).toContain(sentence);
    expect(printed.split("\n").filter((line) => /^\s+at /.test(line))).toEqual([]);
  },
  120_000,
);
