/**
 * The Pulumi program of this repository in a project of its own: a copy of `stacks` whose policy and settings a test
 * may rewrite, a state in a temporary folder, and the CLI driven by the Automation API.
 *
 * @module
 */
import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { LocalWorkspace, Stack } from "@pulumi/pulumi/automation/index.js";
import { parse, stringify } from "yaml";
import { root } from "../steps.ts";

/** Settings of the stack, without their `gatehouse:`. */
export type Settings = Readonly<Record<string, unknown>>;

/** A project with one stack, `local`. */
export interface Project {
  readonly stack: Stack;
  readonly folder: string;
  /** Writes all settings anew. */
  configure(settings: Settings): void;
  /** Writes `policy.ts`: its only rule has this description, so that two policies are told apart. */
  writePolicy(description: string): void;
  /** Runs the CLI in the project; rejects when it fails. */
  pulumi(...args: string[]): Promise<string>;
  remove(): void;
}

const stackName = "local";
const run = promisify(execFile);

/** Programs and settings: what the repository has in `stacks`, without tests. */
function isProgram(file: string): boolean {
  return /\.(ts|js|json|yaml)$/.test(file) && !file.endsWith(".test.ts");
}

/** Makes the project and its empty stack. */
export async function createProject(): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-pulumi-"));
  const stacks = join(folder, "stacks");
  const state = join(folder, "state");
  const temporary = join(folder, "tmp");
  for (const made of [stacks, state, temporary]) mkdirSync(made);
  cpSync(join(root, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  for (const file of readdirSync(join(root, "stacks")).filter(isProgram))
    cpSync(join(root, "stacks", file), join(stacks, file));
  // Node follows links to the real files, so that packages are those of the workspace.
  symlinkSync(join(root, "stacks/node_modules"), join(stacks, "node_modules"));
  symlinkSync(join(root, "webhook"), join(folder, "webhook"));
  const workspace = await LocalWorkspace.create({
    workDir: folder,
    envVars: {
      PATH: [join(root, "node_modules/.bin"), process.env["PATH"] ?? ""].join(delimiter),
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: "nothing but a test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // The Kubernetes provider leaves kubeconfigs with credentials in its temporary folder.
      TMPDIR: temporary,
    },
  });
  const stack = await Stack.createOrSelect(stackName, workspace);
  const settingsFile = join(stacks, `Pulumi.${stackName}.yaml`);
  const configure = (settings: Settings) => {
    // Beside the settings, Pulumi keeps there what the state's secrets are read with.
    const { encryptionsalt } = parse(readFileSync(settingsFile, "utf8")) as { encryptionsalt?: string };
    const config = Object.entries(settings).map(([key, value]) => [`gatehouse:${key}`, value]);
    writeFileSync(settingsFile, stringify({ encryptionsalt, config: Object.fromEntries(config) }));
  };
  return {
    stack,
    folder,
    configure,
    writePolicy: (description) => writeFileSync(join(stacks, "policy.ts"), policyModule(description)),
    async pulumi(...args) {
      const env = { ...process.env, ...workspace.envVars };
      const { stdout } = await run("pulumi", args, { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 });
      return stdout;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function policyModule(description: string): string {
  return `import { definePolicy, deny, findings, states } from "@gatehouse/policy";

export default definePolicy({
  rules: {
    "no-criticals": deny({
      description: ${JSON.stringify(description)},
      when: findings({ minSeverity: "critical" }),
      onScan: states.strict,
    }),
  },
  defaultRule: false,
});
`;
}
