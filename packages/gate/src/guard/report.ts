import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Impact } from "@gatehouse/policy";
import { impactTable } from "./impact-table.ts";
import { impactSarif } from "./sarif.ts";

/** Writes an impact into a folder as `impact.json`, `impact.md` and `impact.sarif`. */
export async function writeReport(folder: string, impact: Impact): Promise<void> {
  await mkdir(folder, { recursive: true });
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await Promise.all([
    writeFile(join(folder, "impact.json"), json(impact)),
    writeFile(join(folder, "impact.md"), `# Impact\n\n\`\`\`text\n${impactTable(impact)}\n\`\`\`\n`),
    writeFile(join(folder, "impact.sarif"), json(impactSarif(impact))),
  ]);
}
