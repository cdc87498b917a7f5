/** `pnpm check`: formatting, lint, types of every package and dead code. What it finds, it names; it changes nothing. */
import { existsSync, readdirSync } from "node:fs";
import { root, runSteps } from "./steps.ts";
import type { Step } from "./steps.ts";

/** One TypeScript project per package: a cloud SDK is only loaded for the package that uses it. */
export function projects(): string[] {
  const packages = readdirSync(`${root}packages`).map((name) => `packages/${name}`);
  return [...packages, "webhook", "stacks", "test"].filter((path) =>
    existsSync(`${root}${path}/tsconfig.json`),
  );
}

export const checkSteps: readonly Step[] = [
  { name: "format", command: ["oxfmt", "--check"] },
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
  ...projects().map((path): Step => ({ name: `types ${path}`, command: ["tsc", "--noEmit", "-p", path] })),
  { name: "dead code", command: ["knip"] },
];

if (import.meta.main) process.exitCode = runSteps(checkSteps);
