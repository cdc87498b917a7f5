import * as z from "zod/mini";
import type { VexProduct, VexStatement, VexStatus } from "./model.ts";
import { problemsOf, type Problem } from "./problems.ts";
import { instantOf, moment, nonEmpty, type ParsedVex } from "./vex-document.ts";
import { productsOf, type ComponentNames } from "./vex-products.ts";
import { takesOut } from "./vex.ts";

/** What each `analysis.state` of CycloneDX says in the words of VEX. */
const statuses = {
  not_affected: "not_affected",
  false_positive: "not_affected",
  resolved: "fixed",
  resolved_with_pedigree: "fixed",
  exploitable: "affected",
  in_triage: "under_investigation",
} as const satisfies Record<string, VexStatus>;

const versions = ["1.4", "1.5", "1.6"] as const;

interface Component {
  type?: string | undefined;
  "bom-ref"?: string | undefined;
  purl?: string | undefined;
  hashes?: { alg: string; content: string }[] | undefined;
  components?: Component[] | undefined;
}
const component: z.ZodMiniType<Component> = z.lazy(() =>
  z.looseObject({
    type: z.optional(z.string()),
    "bom-ref": z.optional(z.string()),
    purl: z.optional(z.string()),
    hashes: z.optional(z.array(z.looseObject({ alg: z.string(), content: z.string() }))),
    components: z.optional(z.array(component)),
  }),
) as never;

// Loose where a BOM says things that are no concern here, strict where a field could narrow what a statement says.
const vulnerability = z.looseObject({
  id: z.optional(nonEmpty),
  references: z.optional(z.array(z.looseObject({ id: z.optional(z.string()) }))),
  analysis: z.optional(
    z.strictObject({
      state: z.optional(z.enum(Object.keys(statuses) as (keyof typeof statuses)[])),
      justification: z.optional(z.string()),
      response: z.optional(z.array(z.string())),
      detail: z.optional(z.string()),
      firstIssued: z.optional(moment),
      lastUpdated: z.optional(moment),
    }),
  ),
  affects: z.optional(
    z.array(z.strictObject({ ref: nonEmpty, versions: z.optional(z.array(z.looseObject({}))) })),
  ),
});
const bom = z.looseObject({
  bomFormat: z.literal("CycloneDX"),
  specVersion: z.enum(versions),
  serialNumber: z.optional(z.string()),
  version: z.optional(z.int()),
  metadata: z.optional(z.looseObject({ timestamp: z.optional(moment), component: z.optional(component) })),
  components: z.optional(z.array(component)),
  vulnerabilities: z.optional(z.array(vulnerability)),
});

type Bom = z.infer<typeof bom>;
type Vulnerability = z.infer<typeof vulnerability>;

/**
 * Reads the VEX part of a CycloneDX document, 1.4 to 1.6 (https://cyclonedx.org/capabilities/vex/): vulnerabilities
 * that have an analysis state. Its moment is `lastUpdated`, else `firstIssued`, else the document's timestamp.
 *
 * When the document is about something (`metadata.component`), what it says of a component it says of that component
 * in there: the image is asked for, too, and where that something is no image nothing is taken out.
 */
export function parseCycloneDxVex(input: unknown): ParsedVex {
  const parsed = bom.safeParse(input);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error, input) };
  const { vulnerabilities = [] } = parsed.data;
  const refs = refsOf(parsed.data);
  const problems = vulnerabilities.flatMap((one, index) =>
    vulnerabilityProblems(one, `vulnerabilities.${index}`),
  );
  if (refs.duplicates.length > 0)
    problems.push({
      path: "components",
      problem: `expected each bom-ref once, got more than one component for ${refs.duplicates.map((ref) => JSON.stringify(ref)).join(", ")}`,
    });
  if (problems.length > 0) return { ok: false, problems };

  const unmatched: Problem[] = [];
  const statements = vulnerabilities.flatMap((one, index): VexStatement[] => {
    const { id, analysis, affects = [] } = one;
    if (id === undefined || analysis?.state === undefined) return [];
    const status = statuses[analysis.state];
    const products = affects.flatMap((target, place): VexProduct[] => {
      const found = productsOfTarget(target, parsed.data, refs, takesOut(status));
      if (found.length === 0)
        unmatched.push({
          path: `vulnerabilities.${index}.affects.${place}`,
          problem: `${JSON.stringify(target.ref)} cannot be matched to an image or a package; it changes nothing`,
        });
      return found;
    });
    if (products.length === 0) return [];
    const aliases = (one.references ?? []).flatMap((reference) => reference.id || []);
    const justification = analysis.justification ?? analysis.detail?.trim();
    const time = analysis.lastUpdated ?? analysis.firstIssued ?? parsed.data.metadata?.timestamp;
    return [
      {
        vulnerability: id,
        ...(aliases.length === 0 ? {} : { aliases }),
        status,
        products,
        ...(takesOut(status) && justification ? { justification } : {}),
        ...(time === undefined ? {} : { timestamp: instantOf(time) }),
        document: documentId(parsed.data),
      },
    ];
  });
  return { ok: true, statements, unmatched };
}

function vulnerabilityProblems(one: Vulnerability, path: string): Problem[] {
  if (one.analysis?.state === undefined) return [];
  const problems: Problem[] = [];
  if (one.id === undefined)
    problems.push({ path: `${path}.id`, problem: "expected the id of the vulnerability, got nothing" });
  if (one.affects === undefined || one.affects.length === 0)
    problems.push({ path: `${path}.affects`, problem: "expected at least one product, got none" });
  return problems;
}

interface Refs {
  byRef: ReadonlyMap<string, Component>;
  duplicates: readonly string[];
}

function refsOf({ metadata, components = [] }: Bom): Refs {
  const byRef = new Map<string, Component>();
  const duplicates: string[] = [];
  const pending = [...(metadata?.component ? [metadata.component] : []), ...components];
  for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
    const ref = one["bom-ref"];
    if (ref !== undefined && byRef.has(ref)) duplicates.push(ref);
    else if (ref !== undefined) byRef.set(ref, one);
    pending.push(...(one.components ?? []));
  }
  return { byRef, duplicates };
}

function productsOfTarget(
  target: { ref: string; versions?: unknown[] | undefined },
  document: Bom,
  { byRef }: Refs,
  clears: boolean,
): VexProduct[] {
  // Which of the listed versions a state is about is for people to say; taking a finding out needs more.
  if (target.versions !== undefined && clears) return [];
  const { refs, here } = resolve(target.ref, document);
  const found = here ? refs.map((ref) => byRef.get(ref)).find((one) => one !== undefined) : undefined;
  const subject = document.metadata?.component;
  const names: ComponentNames = found
    ? namesOf(found)
    : { purls: refs.filter((ref) => ref.startsWith("pkg:")).slice(0, 1), digests: [] };
  const alone = productsOf(names, [], clears);
  if (subject === undefined || found === subject || alone.every((product) => product.package === undefined))
    return alone;
  const whole = namesOf(subject);
  const inside = productsOf(whole, [names], clears);
  if (clears || inside.length > 0) return inside;
  return alone;
}

/**
 * The forms that a ref may have in this document: a BOM-Link (`urn:cdx:SERIAL/VERSION#REF`) into it is the ref behind
 * it, as written or percent-decoded. Of a link into another document only a package URL means anything here.
 */
function resolve(ref: string, document: Bom): { refs: readonly string[]; here: boolean } {
  const link = /^urn:cdx:([^/#]+)\/(\d+)#(.+)$/.exec(ref);
  if (link === null) return { refs: [ref], here: true };
  const [, serial = "", version = "", element = ""] = link;
  const here = document.serialNumber === `urn:uuid:${serial}` && `${document.version ?? 1}` === version;
  return { refs: [element, decoded(element)], here };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function namesOf(one: Component): ComponentNames {
  const hashes = (one.hashes ?? []).map(
    ({ alg, content }) => `${alg.toLowerCase().replace("-", "")}:${content.toLowerCase()}`,
  );
  return {
    purls: one.purl === undefined ? [] : [one.purl],
    // Of anything but a container it is the hash of a file.
    digests: one.type === "container" ? hashes : [],
  };
}

function documentId({ serialNumber, version }: Bom): string {
  if (serialNumber === undefined) return "CycloneDX document without a serialNumber";
  return version === undefined ? serialNumber : `${serialNumber}/${version}`;
}
