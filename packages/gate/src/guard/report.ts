import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Impact } from "@gatehouse/policy";
import { impactTable } from "./impact-table.ts";

/** Writes an impact into a folder as `impact.json` and `impact.md`. */
export async function writeReport(folder: string, impact: Impact): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "impact.json"), `${JSON.stringify(impact, null, 2)}\n`);
  await writeFile(join(folder, "impact.md"), `# Impact\n\n\`\`\`text\n${impactTable(impact)}\n\`\`\`\n`);
}
