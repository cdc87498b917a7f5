import { imageLists, judgedKinds, type JudgedKind } from "@gatehouse/policy";

/** A condition under which the API server calls the webhook, in CEL. All conditions must hold. */
export interface MatchCondition {
  name: string;
  expression: string;
}

/** A text as a CEL literal. Namespace names and field names need no escapes; anything else is refused. */
function literal(text: string): string {
  if (!/^[A-Za-z0-9._-]+$/.test(text))
    throw new Error(`expected letters, digits, dots and dashes, got ${JSON.stringify(text)}`);
  return `'${text}'`;
}

/**
 * Keeps requests of some namespaces away. By the request's own namespace, which nobody can set, rather than by a
 * `namespaceSelector`, whose field AKS and GKE Autopilot rewrite.
 */
export function exclusion(namespaces: readonly string[]): MatchCondition {
  const names = [...new Set(namespaces)].sort().map(literal).join(", ");
  return { name: "not-excluded", expression: `!(request.namespace in [${names}])` };
}

/**
 * Lets an update through to the gate only when it adds an image: the very pairs of list and reference that
 * `addedImages` of `@gatehouse/policy` calls added, generated from the same two tables. An object whose Pod spec
 * cannot be found goes to the gate: what cannot be read has unknown images, not none.
 *
 * One condition for each place that Pod specs are found at; it holds for all kinds that keep theirs elsewhere.
 *
 * @param of the kinds that the webhook is called about. @default all that are judged
 */
export function addsImage(of: readonly JudgedKind[] = judgedKinds): MatchCondition[] {
  const places = new Map<string, { path: readonly string[]; kinds: string[] }>();
  for (const { kind, podSpec } of of) {
    const place = places.get(podSpec.join(".")) ?? { path: podSpec, kinds: [] };
    place.kinds.push(kind);
    places.set(podSpec.join("."), place);
  }
  return [...places.values()].map(({ path, kinds }) => ({
    name: `adds-image-at-${path.join("-").toLowerCase()}`,
    expression: [
      `request.operation != 'UPDATE'`,
      `!(request.kind.kind in [${kinds.map(literal).join(", ")}])`,
      `!(${present("object", path)})`,
      `!(${present("oldObject", path)})`,
      ...imageLists.map(({ list }) =>
        addsTo(list, `object.${path.join(".")}`, `oldObject.${path.join(".")}`),
      ),
    ].join(" || "),
  }));
}

/** Whether each field on the way to a Pod spec is there. */
function present(root: string, path: readonly string[]): string {
  return path
    .map((_, index) => [root, ...path.slice(0, index + 1)].join("."))
    .map((field) => `has(${field}) && ${field} != null`)
    .join(" && ");
}

/**
 * Longest lists, and longest references in characters, that are compared in CEL. The API server gives up an expression
 * whose cost grows too high, which two lists of 350 containers reach, and then does as `failurePolicy` says without
 * asking anybody: with `Ignore` a long enough Pod would be past the gate, and with `Fail` no finalizer would ever leave
 * it. So what is longer goes to the gate, which compares it as well.
 */
const longestLists = { containers: 50, initContainers: 50, ephemeralContainers: 50, volumes: 100 } as const;
const longestReference = 256;

/** Whether a list of the new Pod spec holds a reference that the old one's lacks, or is too long to tell. */
function addsTo(list: keyof typeof longestLists, spec: string, oldSpec: string): string {
  const listOf = (field: string) => `(has(${field}) && ${field} != null ? ${field} : [])`;
  const [now, before] = [listOf(`${spec}.${list}`), listOf(`${oldSpec}.${list}`)];
  const ofVolumes = list === "volumes";
  const reference = (entry: string) => text(ofVolumes ? `${entry}.image.reference` : `${entry}.image`);
  const isImage = (entry: string) => (ofVolumes ? `has(${entry}.image) && ${entry}.image != null && ` : "");
  return [
    `size(${now}) > ${longestLists[list]}`,
    `size(${before}) > ${longestLists[list]}`,
    `${now}.exists(n, ${isImage("n")}(size(${reference("n")}) > ${longestReference} || !${before}.exists(o, ${isImage("o")}${reference("o")} == ${reference("n")})))`,
  ].join(" || ");
}

/** A field's text; empty where it is absent or null, as the extractor reads it. */
function text(field: string): string {
  return `(has(${field}) && ${field} != null ? ${field} : '')`;
}
