/** A Gate under the SDK's mocks, for the tests of this package. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { definePolicy } from "@gatehouse/policy";
import { afterAll } from "vitest";
import { Gate, type GateArgs } from "../index.ts";
import { graphOf, label, type Registered } from "./graph.ts";

const bundles = mkdtempSync(join(tmpdir(), "gatehouse-bundles-"));
writeFileSync(join(bundles, "judge.mjs"), "console.log('judge');\n");
writeFileSync(join(bundles, "observer.mjs"), "console.log('observer');\n");
afterAll(() => rmSync(bundles, { recursive: true }));

/** What a Gate must be told, and bundles that are the same in every test. */
export const least = {
  policy: definePolicy({ rules: {}, exemptions: {} }),
  cluster: { name: "shop" },
  bundles,
} satisfies GateArgs;

/** What a Gate registers. */
export function gate(
  args: Partial<GateArgs> = {},
  options: { preview?: boolean } = {},
): Promise<Registered[]> {
  return graphOf((record) => new Gate("gate", { ...least, ...args }, { transformations: [record] }), options);
}

/** One of them, as `Type name`. @throws Error when there is none */
export function find(graph: readonly Registered[], wanted: string): Registered {
  const found = graph.find(({ type, name }) => label(type, name) === wanted);
  if (found === undefined) throw new Error(`no ${wanted}`);
  return found;
}
