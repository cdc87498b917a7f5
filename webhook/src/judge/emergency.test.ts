import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { now, policy } from "../testing/fixtures.ts";
import { createEmergencyStore, parseEmergencies } from "./emergency.ts";

const entry = (change: Record<string, unknown> = {}) =>
  JSON.stringify({
    reason: "checkout is down",
    owner: "on-call",
    until: "2026-11-22T20:00:00Z",
    rules: ["no-criticals"],
    where: { namespace: "shop" },
    cves: ["CVE-2026-0001"],
    ...change,
  });

describe("parseEmergencies", () => {
  it("takes an exemption that ends within a day", () => {
    expect(parseEmergencies({ "outage.json": entry() }, policy, now)).toEqual({
      exemptions: { "emergency/outage": JSON.parse(entry()) as unknown },
      problems: [],
    });
  });

  it.each([
    ["no JSON", "reason: x", /^outage: expected an exemption as JSON$/],
    ["no end", entry({ until: undefined }), /^outage: /],
    ["no end on purpose", entry({ until: undefined, permanent: true }), /must end/],
    ["an end too far away", entry({ until: "2026-11-24" }), /at most 24 hours from now, got 2026-11-24$/],
    ["an end that is none", entry({ until: "tomorrow" }), /until/],
    ["no reason", entry({ reason: undefined }), /reason/],
    ["no owner", entry({ owner: "" }), /owner/],
    ["a rule that there is not", entry({ rules: ["no-critical"] }), /no-critical/],
    ["a field that there is not", entry({ namespace: "shop" }), /namespace/],
  ])("refuses one with %s", (_, text, problem) => {
    const read = parseEmergencies({ outage: text }, policy, now);
    expect(read.exemptions).toEqual({});
    expect(read.problems).toHaveLength(1);
    expect(read.problems[0]).toMatch(problem);
  });

  it("keeps the good ones beside a bad one", () => {
    const read = parseEmergencies({ bad: "{", good: entry() }, policy, now);
    expect([Object.keys(read.exemptions), read.problems.length]).toEqual([["emergency/good"], 1]);
  });

  it("is as strict when read again later", () => {
    expect(
      parseEmergencies({ outage: entry({ until: "2026-11-24" }) }, policy, now + 86_400_000 * 1.6).problems,
    ).toEqual([]);
  });
});

describe("createEmergencyStore", () => {
  it("follows its folder, and gives the same policy while nothing changes", async () => {
    const directory = await mkdtemp(join(tmpdir(), "emergency-"));
    const reports: [number, number][] = [];
    const logs: string[] = [];
    const changes: unknown[] = [];
    const store = createEmergencyStore({
      directory,
      policy,
      now: () => now,
      log: (level, message) => void logs.push(`${level} ${message}`),
      changed: ({ exemptions, problems }) => void changes.push([Object.keys(exemptions), problems.length]),
      report: (exemptions, problems) => void reports.push([exemptions, problems]),
    });
    await store.refresh();
    expect(store.policy()).toBe(policy);

    await writeFile(join(directory, "outage"), entry());
    await writeFile(join(directory, "..data"), "not an entry");
    await store.refresh();
    const merged = store.policy();
    expect(Object.keys(merged.exemptions)).toEqual(["openssl-in-billing", "emergency/outage"]);
    await store.refresh();
    expect(store.policy()).toBe(merged);

    await rm(join(directory, "outage"));
    await writeFile(join(directory, "wrong"), "{");
    await store.refresh();
    expect(store.policy()).toBe(policy);
    expect(reports).toEqual([
      [0, 0],
      [1, 0],
      [1, 0],
      [0, 1],
    ]);
    expect(changes).toEqual([
      [["emergency/outage"], 0],
      [[], 1],
    ]);
    expect(logs).toEqual([
      "warn emergency exemptions changed",
      "error an emergency exemption is ignored",
      "warn emergency exemptions changed",
    ]);
    await rm(directory, { recursive: true });
    await store.refresh();
    expect(store.policy()).toBe(policy);
  });
});
