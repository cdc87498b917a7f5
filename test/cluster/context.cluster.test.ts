/** `npm run cluster -- --context NAME`: a gate in front of a cluster that somebody has, and away again. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inventory } from "../gate/inventory.ts";
import { startCluster, type Cluster } from "./cluster.ts";
import { reportProgress } from "./progress.ts";
import { runCommand, runLine, userOf, type RunningCommand, type User } from "./testing/command.ts";

let cluster: Cluster;
let user: User;
let command: RunningCommand;
let before: string[];

const hasPulumi = (folder: string) => {
  try {
    accessSync(join(folder, "pulumi"), constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

beforeAll(async () => {
  cluster = await startCluster({ onBuild: reportProgress(process.stderr), nodes: [{}, {}] });
  // With the Pulumi CLI it is another suite.
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => !hasPulumi(folder));
  user = await userOf(cluster, path.join(delimiter));
  before = await inventory(cluster);
}, 1_800_000);

afterAll(async () => {
  command?.interrupt();
  await command?.ended;
  user?.remove();
  await cluster?.stop();
});

test("a context that is not there is refused, with those that are", async () => {
  const { code, stderr } = await runCommand(user, "kind-mine").ended;
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(
      /expected --context to name a context of .*, got kind-mine; there are away, mine\n/,
    ),
  ]);
});

test("a cluster that does not answer is refused before anything is made", async () => {
  const { code, stderr } = await runCommand(user, "away").ended;
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("the cluster of context away does not answer:\n"),
  ]);
});

test("it brings a gate in mode audit, and what it says to try does what it says", async () => {
  command = runCommand(user, "mine");
  const printed = await command.printed("legacy-invoices.yaml");
  expect(printed).toContain("The gate is up in front of mine, in mode audit. Ctrl-C takes it away.");
  const lines = printed.split("\n").flatMap((line) => (line.startsWith("  ") ? [line.trim()] : []));
  const said: string[] = [];
  // The first may say where kubectl is.
  const path = lines[0]?.startsWith("export PATH=") ? `${lines.shift()}; ` : "";
  for (const line of lines) said.push(await runLine(user, `${path}${line}`));
  expect(said).toEqual([
    "namespace/shop created\n",
    "namespace/billing created\n",
    "deployment.apps/web created\n",
    expect.stringMatching(/^deployment\.apps\/checkout created\nWarning: \[GH1001\] deny mode would refuse /),
    expect.stringMatching(/^deployment\.apps\/legacy-invoices created\nWarning: /),
  ]);
});

test("a second one is refused, and leaves the first alone", async () => {
  const there = await inventory(cluster);
  const { code, stderr } = await runCommand(user, "mine").ended;
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining(
      "the cluster of context mine has a gate already (namespace/gatehouse, " +
        "validatingwebhookconfiguration.admissionregistration.k8s.io/gatehouse)",
    ),
  ]);
  expect(await inventory(cluster)).toEqual(there);
});

test("Ctrl-C takes it away, and nothing is left in the cluster or on the machine", async () => {
  command.interrupt();
  const { code, stdout, stderr } = await command.ended;
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("What you have created stays: kubectl delete namespace shop billing\n");
  for (const name of ["shop", "billing"]) await cluster.kubectl(["delete", "namespace", name]);
  expect(await inventory(cluster)).toEqual(before);
  expect([user.home(), user.temporary()]).toEqual([[], []]);
});

test("Ctrl-C while it is brought up: what was begun is taken away again", async () => {
  command = runCommand(user, "mine");
  await command.printed("Installing the gate");
  command.interrupt();
  expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  expect(await inventory(cluster)).toEqual(before);
  expect([user.home(), user.temporary()]).toEqual([[], []]);
});
