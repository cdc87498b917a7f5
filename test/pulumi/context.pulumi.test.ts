/** `npm run cluster -- --context NAME` where the Pulumi CLI is: the same, by `pulumi up` and `pulumi destroy`. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, type Cluster } from "../cluster/cluster.ts";
import { reportProgress } from "../cluster/progress.ts";
import { runCommand, userOf, type RunningCommand, type User } from "../cluster/testing/command.ts";
import { inventory } from "../gate/inventory.ts";

let cluster: Cluster;
let user: User;
let command: RunningCommand;

beforeAll(async () => {
  cluster = await startCluster({ onBuild: reportProgress(process.stderr), nodes: [{}, {}] });
  user = await userOf(cluster);
}, 1_800_000);

afterAll(async () => {
  command?.interrupt();
  await command?.ended;
  user?.remove();
  await cluster?.stop();
});

test("a gate comes by Pulumi, and Ctrl-C takes it away with Pulumi's state", async () => {
  const before = await inventory(cluster);
  command = runCommand(user, "mine");
  const printed = await command.printed("legacy-invoices.yaml");
  expect(printed).toContain("Installing the gate: pulumi up, with a state of its own …");
  const registration = "validatingwebhookconfiguration.admissionregistration.k8s.io/gatehouse";
  expect(await inventory(cluster)).toContain(registration);
  command.interrupt();
  expect(await command.ended).toMatchObject({ code: 0 });
  expect(await inventory(cluster)).toEqual(before);
  expect(user.temporary()).toEqual([]);
});
