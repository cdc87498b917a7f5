import { defineConfig } from "vitest/config";

/**
 * Suites are chosen by name (`vitest run --project NAME`), never by what happens to be on PATH. `unit` needs Node
 * alone; the others are told apart by the ending of their files, as in `drain.cluster.test.ts`.
 */
const suites = ["cluster", "registry", "browser", "load", "pulumi"] as const;
const places = "{packages/*,webhook,stacks,test}";

/** Modules run as Node runs them, types stripped: what is tested is what ships. */
const asWritten = { viteModuleRunner: false };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          experimental: asWritten,
          include: [`${places}/**/*.test.ts`],
          exclude: ["**/node_modules/**", ...suites.map((suite) => `**/*.${suite}.test.ts`)],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      ...suites.map((suite) => ({
        test: {
          name: suite,
          experimental: asWritten,
          include: [`${places}/**/*.${suite}.test.ts`],
          exclude: ["**/node_modules/**"],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          fileParallelism: false,
          // Whole control planes on two cores: a test that a slow machine has cut short may try once more.
          retry: 1,
        },
      })),
    ],
  },
});
