/** The rules and the dashboard ask only for what judge and observer show: names and labels. Needs no Prometheus. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createMetrics, createObserverMetrics, showExemptionExpiry, sinkMetrics } from "@gatehouse/webhook";
import { definePolicy } from "@gatehouse/policy";
import { parse } from "yaml";
import { expect, test } from "vitest";
import { root } from "../steps.ts";

const info = { policyHash: "0", mode: "audit", version: "test" };
const folder = join(root, "docs/monitoring");
const read = (name: string) => readFileSync(join(folder, name), "utf8");

interface Metric {
  name: string;
  type: unknown;
  labelNames: readonly string[];
}

/** Every series of judge and observer, histograms by the names that a query has for them. */
function series(): Map<string, Set<string>> {
  const judge = createMetrics(info).registry;
  showExemptionExpiry(judge, definePolicy({ rules: {} }), () => 0);
  const observer = createObserverMetrics(info, () => {
    throw new Error("nobody asks for values");
  }).registry;
  sinkMetrics(observer, () => 0);
  const found = new Map<string, Set<string>>();
  for (const registry of [judge, observer])
    for (const metric of registry.getMetricsAsArray() as unknown as Metric[])
      for (const ending of metric.type === "histogram" ? ["_bucket", "_count", "_sum"] : [""])
        found.set(
          metric.name + ending,
          new Set([...metric.labelNames, ...(ending === "_bucket" ? ["le"] : [])]),
        );
  return found;
}

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: Record<string, string>;
}

const rules = (parse(read("prometheus-rules.yaml")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(read("grafana-dashboard.json")) as {
  panels: { id: number; title: string; type: string; targets?: { expr: string }[] }[];
};
const queries = [
  ...rules.map(({ alert, expr }) => ({ of: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ of: title, expr }))),
];

/** Labels that Prometheus itself adds. */
const scraped = ["job", "instance"];

test("every metric and label that rules and dashboard ask for is one that the gate shows", () => {
  const known = series();
  const unknown = queries.flatMap(({ of, expr }) =>
    [...expr.matchAll(/\b(gatehouse_[a-z_]+|up)\b(?:\{([^}]*)\})?/g)].flatMap(
      ([, name = "", matchers = ""]) => {
        if (name === "up") return [];
        const labels = known.get(name);
        if (labels === undefined) return [`${of}: ${name}`];
        return [...matchers.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)]
          .map(([, label = ""]) => label)
          .filter((label) => !labels.has(label) && !scraped.includes(label))
          .map((label) => `${of}: ${name} has no label ${label}`);
      },
    ),
  );
  expect(unknown).toEqual([]);
});

test("what is summed by is a label of the metric", () => {
  const known = series();
  const unknown = queries.flatMap(({ of, expr }) => {
    const labels = new Set(
      [...expr.matchAll(/\b(gatehouse_[a-z_]+)\b/g)].flatMap(([, name = ""]) => [...(known.get(name) ?? [])]),
    );
    return [...expr.matchAll(/\bby \(([^)]*)\)/g)]
      .flatMap(([, by = ""]) => by.split(",").map((label) => label.trim()))
      .filter((label) => !labels.has(label) && !scraped.includes(label))
      .map((label) => `${of}: ${label}`);
  });
  expect(unknown).toEqual([]);
});

test("every alert has a severity, a summary and a case that tests it", () => {
  const tested = new Set(
    [...read("rules.test.yaml").matchAll(/alertname: (\w+)/g)].map(([, name]) => name ?? ""),
  );
  expect(rules.filter(({ alert }) => !tested.has(alert)).map(({ alert }) => alert)).toEqual([]);
  expect(new Set(rules.map(({ labels }) => labels.severity))).toEqual(
    new Set(["critical", "warning", "info"]),
  );
  expect(rules.filter(({ annotations }) => annotations["summary"] === undefined)).toEqual([]);
});

test("every panel has an id of its own and something to show", () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const empty = dashboard.panels.filter(({ type, targets = [] }) => type !== "row" && targets.length === 0);
  expect(empty).toEqual([]);
});
