import { parseCycloneDxVex } from "./cyclonedx-vex.ts";
import type { VexStatement } from "./model.ts";
import { parseOpenVex } from "./open-vex.ts";
import { InvalidInputError } from "./problems.ts";
import type { ParsedVex } from "./vex-document.ts";

/**
 * Reads a VEX document, OpenVEX 0.2 or CycloneDX 1.4 to 1.6, from its JSON.
 *
 * @param subjects digests of the images that an attestation around an OpenVEX document is about; statements without
 *   products inherit them
 */
export function parseVex(document: unknown, subjects: readonly string[] = []): ParsedVex {
  if (has(document, "@context")) return parseOpenVex(document, subjects);
  if (has(document, "bomFormat")) return parseCycloneDxVex(document);
  return {
    ok: false,
    problems: [
      {
        path: "",
        problem:
          'expected an OpenVEX document (with "@context") or a CycloneDX document (with "bomFormat"), got neither',
      },
    ],
  };
}

/**
 * The statements of VEX documents, for a policy.
 *
 * @throws {InvalidInputError} with all that is wrong in any of the documents
 * @example
 * definePolicy({ vex: readVex(JSON.parse(text)), … })
 */
export function readVex(...documents: readonly unknown[]): VexStatement[] {
  const parsed = documents.map((document) => parseVex(document));
  const problems = parsed.flatMap((one, index) =>
    one.ok
      ? []
      : one.problems.map(({ path, problem }) => ({
          path: documents.length === 1 ? path : [`documents.${index}`, path].filter(Boolean).join("."),
          problem,
        })),
  );
  if (problems.length > 0) throw new InvalidInputError("GH3011", "the VEX input", problems);
  return parsed.flatMap((one) => (one.ok ? one.statements : []));
}

function has(value: unknown, key: string): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key);
}
