import { defineConfig } from "vitest/config";

/**
 * Suites are chosen by name (GATEHOUSE_SUITES), never by what happens to be on PATH.
 * `unit` needs Node alone; the others are told apart by the ending of their files.
 */
const suites = ["cluster", "registry", "browser", "load"] as const;
const wanted = (process.env["GATEHOUSE_SUITES"] ?? "").split(",").filter(Boolean);
const on = (suite: string) => wanted.includes("all") || wanted.includes(suite);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{packages/*,webhook,stacks,test}/**/*.test.ts"],
          exclude: ["**/node_modules/**", ...suites.map((suite) => `**/*.${suite}.test.ts`)],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      ...suites.filter(on).map((suite) => ({
        test: {
          name: suite,
          include: [`{packages/*,webhook,stacks,test}/**/*.${suite}.test.ts`],
          exclude: ["**/node_modules/**"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      })),
    ],
  },
});
