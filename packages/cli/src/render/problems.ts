import { oneLine, withCode } from "@gatehouse/policy";
import type { ManifestProblem } from "../input/manifests.ts";

/** `file:line: document N: what is wrong`. */
export function problemLine({ file, document, line, problem }: ManifestProblem): string {
  const name = file === "-" ? "standard input" : oneLine(file, 300);
  return withCode("GH3005", `${name}:${line}: document ${document}: ${oneLine(problem, 400)}`);
}
