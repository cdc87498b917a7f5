import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { impactMarkdown, impactSarif, type Impact } from "@gatehouse/policy";

/** Writes an impact into a folder as `impact.json`, `impact.md` and `impact.sarif`. */
export async function writeReport(folder: string, impact: Impact): Promise<void> {
  await mkdir(folder, { recursive: true });
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await Promise.all([
    writeFile(join(folder, "impact.json"), json(impact)),
    writeFile(join(folder, "impact.md"), impactMarkdown(impact)),
    writeFile(join(folder, "impact.sarif"), json(impactSarif(impact))),
  ]);
}
