/**
 * `pnpm bench [NAME…] [--json]`: each figure is a ratio against a baseline that ran in alternation with it in the same
 * run. With --json a line for each: {"bench","figure","value","unit","baseline"}.
 */
import type { Bench } from "./figures.ts";

const benches: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  decide: () => import("./decide.ts"),
  admission: () => import("./admission.ts"),
  cold: () => import("./cold.ts"),
  events: () => import("./events.ts"),
  start: () => import("./start.ts"),
  impact: () => import("./impact.ts"),
  sources: () => import("./sources.ts"),
  cluster: () => import("./cluster.ts"),
};

const names = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const json = process.argv.includes("--json");
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(`there is no bench ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}
for (const name of names.length > 0 ? names : Object.keys(benches)) {
  const { bench } = (await benches[name]?.()) ?? { bench: () => [] };
  for await (const { figure, value, unit, baseline, aim } of bench())
    console.log(
      json
        ? JSON.stringify({
            bench: name,
            figure,
            value,
            unit,
            ...(baseline === undefined ? {} : { baseline }),
          })
        : `${`${name} ${figure}`.padEnd(40)} ${String(value).padStart(10)} ${unit}${aim === undefined ? "" : ` (aim: ${aim})`}${baseline === undefined ? "" : `; baseline ${baseline}`}`,
    );
}
