import * as z from "zod/mini";
import { vexStatuses, type VexProduct, type VexStatement } from "./model.ts";
import { problemsOf, type Problem } from "./problems.ts";
import { productsOf, type ComponentNames } from "./vex-products.ts";
import { takesOut } from "./vex.ts";
import { instantOf, moment, nonEmpty, type ParsedVex } from "./vex-document.ts";

const identifiers = z.strictObject({
  purl: z.optional(z.string()),
  cpe22: z.optional(z.string()),
  cpe23: z.optional(z.string()),
});
const component = {
  "@id": z.optional(z.string()),
  identifiers: z.optional(identifiers),
  hashes: z.optional(z.record(z.string(), z.string())),
};
const statement = z.strictObject({
  "@id": z.optional(z.string()),
  version: z.optional(z.int()),
  vulnerability: z.strictObject({
    "@id": z.optional(z.string()),
    name: nonEmpty,
    description: z.optional(z.string()),
    aliases: z.optional(z.array(nonEmpty)),
  }),
  timestamp: z.optional(moment),
  last_updated: z.optional(moment),
  products: z.optional(
    z.array(z.strictObject({ ...component, subcomponents: z.optional(z.array(z.strictObject(component))) })),
  ),
  status: z.enum(vexStatuses),
  supplier: z.optional(z.string()),
  status_notes: z.optional(z.string()),
  justification: z.optional(
    z.enum([
      "component_not_present",
      "vulnerable_code_not_present",
      "vulnerable_code_not_in_execute_path",
      "vulnerable_code_cannot_be_controlled_by_adversary",
      "inline_mitigations_already_exist",
    ]),
  ),
  impact_statement: z.optional(z.string()),
  action_statement: z.optional(z.string()),
  action_statement_timestamp: z.optional(moment),
});
/** A field that is not known could narrow what a statement is about, hence is refused, as the published schema does. */
const document = z.strictObject({
  "@context": z
    .string()
    .check(
      z.regex(/^https:\/\/openvex\.dev\/ns\/v0\.2\.\d+$/, 'OpenVEX 0.2, "https://openvex.dev/ns/v0.2.0"'),
    ),
  "@id": nonEmpty,
  author: z.string(),
  role: z.optional(z.string()),
  timestamp: moment,
  last_updated: z.optional(moment),
  version: z.int(),
  tooling: z.optional(z.string()),
  statements: z.array(statement).check(z.minLength(1, "at least one statement")),
});

/**
 * Reads an OpenVEX 0.2 document (https://github.com/openvex/spec). A statement without a timestamp has the document's;
 * one without products is about `subjects`, digests of the attestation that carried the document.
 */
export function parseOpenVex(input: unknown, subjects: readonly string[] = []): ParsedVex {
  const parsed = document.safeParse(input);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error, input) };
  const { statements } = parsed.data;
  const problems = statements.flatMap((one, index) =>
    statementProblems(one, `statements.${index}`, subjects),
  );
  if (problems.length > 0) return { ok: false, problems };

  const unmatched: Problem[] = [];
  const read = statements.flatMap((one, index): VexStatement[] => {
    const clears = takesOut(one.status);
    const products = (one.products ?? []).flatMap((product, place): VexProduct[] => {
      const found = productsOf(namesOf(product), (product.subcomponents ?? []).map(namesOf), clears);
      if (found.length === 0)
        unmatched.push({
          path: `statements.${index}.products.${place}`,
          problem:
            "names no image by digest or repository and no package by purl, as far as can be matched; it changes nothing",
        });
      return found;
    });
    if (one.products === undefined) products.push(...subjects.map((digest) => ({ digest })));
    if (products.length === 0) return [];
    const { name, aliases } = one.vulnerability;
    const justification = one.justification ?? one.impact_statement?.trim();
    return [
      {
        vulnerability: name,
        ...(aliases === undefined || aliases.length === 0 ? {} : { aliases }),
        status: one.status,
        products,
        ...(clears && justification ? { justification } : {}),
        timestamp: instantOf(one.timestamp ?? parsed.data.timestamp),
        document: parsed.data["@id"],
      },
    ];
  });
  return { ok: true, statements: read, unmatched };
}

function statementProblems(
  one: z.infer<typeof statement>,
  path: string,
  subjects: readonly string[],
): Problem[] {
  const problems: Problem[] = [];
  if (one.status === "not_affected" && one.justification === undefined && !one.impact_statement?.trim())
    problems.push({
      path,
      problem: "expected a justification or an impact_statement, which not_affected must have, got neither",
    });
  if (one.products === undefined ? subjects.length === 0 : one.products.length === 0)
    problems.push({ path: `${path}.products`, problem: "expected at least one product, got none" });
  return problems;
}

function namesOf(one: {
  "@id"?: string | undefined;
  identifiers?: z.infer<typeof identifiers> | undefined;
  hashes?: Record<string, string> | undefined;
}): ComponentNames {
  const hashes = Object.entries(one.hashes ?? {}).map(
    ([name, value]) => `${name.replace("-", "")}:${value.toLowerCase()}`,
  );
  return {
    purls: [one["@id"], one.identifiers?.purl].filter((text) => text !== undefined),
    digests: hashes,
  };
}
