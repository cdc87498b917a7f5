/** What the real CLI says of a policy that is none: what is wrong with it, and nothing of the program. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createProject, type Project } from "./project.ts";
import { installSettings } from "./record.ts";

let project: Project;

beforeAll(async () => {
  project = await createProject();
  // It does not come as far as the cluster.
  project.configure(installSettings("no such file"));
});

afterAll(() => project?.remove());

test("a broken policy is told as it is, without a stack", async () => {
  writeFileSync(
    join(project.folder, "stacks/policy.ts"),
    `import { definePolicy } from "@gatehouse/policy";
export default definePolicy({ rules: { Shouted: { description: "", action: "refuse" } } } as never);
`,
  );
  const { stdout } = (await project
    .pulumi("preview", "--stack", "local")
    .catch((error: unknown) => error)) as {
    stdout: string;
  };
  const lines = stdout.split("\n").map((line) => line.trim());
  const from = lines.findIndex((line) => line.startsWith("error:"));
  expect(lines.slice(from, lines.indexOf("", from))).toEqual([
    "error: the policy has a problem [GH3004]:",
    "rules.Shouted: not a valid name; expected lower-case letters, digits and dashes, at most 63",
  ]);
});
