/** The dashboard as `gatehouse dashboard` shows it, over a gate in front of a real control plane. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clean, vulnerable } from "../gate/reports.ts";
import { startWorld, type World } from "../gate/world.ts";
import { workload } from "../gate/workloads.ts";
import { openBrowser, openWindow } from "./browser.ts";

const main = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));

let world: World;
let browser: Browser;
let command: ChildProcess;
let page: Page;

beforeAll(async () => {
  [world, browser] = await Promise.all([startWorld(), openBrowser()]);
  await world.up();
  command = spawn(process.execPath, [main, "dashboard", "--no-open"], {
    env: { ...process.env, KUBECONFIG: world.cluster.kubeconfig, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (command.stdout === null) throw new Error("no standard output");
  const [address] = (await once(createInterface({ input: command.stdout }), "line")) as [string];
  const window = await openWindow(browser, new URL(address).origin);
  page = await window.newPage();
  await page.goto(address);
  await page.getByRole("navigation", { name: "Pages", exact: true }).waitFor();
}, 900_000);

afterAll(async () => {
  if (command?.exitCode === null) {
    command.kill("SIGINT");
    await once(command, "exit");
  }
  await browser?.close();
  await world?.stop();
});

const create = async (name: string, image: string) =>
  await world.create(workload("Deployment", name, image, { spec: { replicas: 0 } }));

test("a denied admission appears by itself within a second, with who asked for it", async () => {
  await page.getByRole("link", { name: "Admissions", exact: true }).click();
  await page.getByRole("button", { name: "Pause updates" }).waitFor();
  for (const name of ["first", "second", "third"]) {
    const { code, stderr } = await create(name, vulnerable.reference);
    const told = Date.now();
    expect([code, stderr.includes("CVE-2026-0001")]).toEqual([1, true]);
    const row = page.getByRole("row").filter({ hasText: `Deployment/${name}` });
    await row.waitFor({ timeout: 5_000 });
    expect(Date.now() - told).toBeLessThan(1_000);
    expect(await row.innerText()).toMatch(/denied[\s\S]*default[\s\S]*no-criticals, CVE-2026-0001/);
    expect(await row.innerText()).toContain("admin");
  }
});

test("what was admitted is in the inventory, and every page and export is there", async () => {
  expect((await create("admitted", clean.reference)).code).toBe(0);
  await page.getByRole("row").filter({ hasText: "Deployment/admitted" }).waitFor();
  const found = await page.evaluate<string>(
    "fetch('admissions?format=csv&action=denied').then((answer) => answer.text())",
  );
  expect(found.split("\r\n").filter((line) => line.includes(",denied,default,Deployment/"))).toHaveLength(3);
  for (const name of ["Now", "Exemptions", "Health"]) {
    await page.getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
  }
  const state = await page.getByRole("table", { name: "State" }).innerText();
  expect(state).toMatch(/Observer\s+✓ ready[\s\S]*Inventory\s+✓ fresh/);
});
