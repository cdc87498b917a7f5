import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

test("every thread of the process steps back, those of the garbage collector too", () => {
  const program = `
    const { readdirSync } = await import("node:fs");
    const { getPriority } = await import("node:os");
    const { stepBack } = await import(${JSON.stringify(new URL("step-back.ts", import.meta.url).href)});
    const all = () => [...new Set(readdirSync("/proc/self/task").map((id) => getPriority(Number(id))))];
    const before = all();
    console.log(JSON.stringify([before.length, stepBack(), all().map((nice) => nice >= 10)]));
  `;
  const said = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  expect(JSON.parse(said)).toEqual([1, true, [true]]);
});
