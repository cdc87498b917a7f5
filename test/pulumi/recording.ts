/**
 * What `pulumi preview --json` says of an install, in the form that is committed: without paths of a machine, and
 * without what is there by the hundred thousand bytes.
 *
 * @module
 */

/** A step of a preview, as far as it is looked at. */
interface Step {
  readonly op: string;
  readonly urn: string;
  readonly newState?: { readonly inputs?: Readonly<Record<string, unknown>>; readonly parent?: string };
}

/** A preview as the CLI prints it. */
export interface Preview {
  readonly steps: readonly Step[];
  readonly changeSummary: Readonly<Record<string, number>>;
}

/** Where in the program a resource was made: paths of the machine, or how long the preview took. */
const ofTheMachine: ReadonlySet<string> = new Set(["sourcePosition", "stackTrace", "duration"]);
/** Longest text that is kept whole. */
const longestText = 2_000;

/**
 * The preview for a file.
 *
 * @param output the output of `pulumi preview --json`
 * @param paths what stands for each path of the machine that took it
 */
export function recorded(output: string, paths: Readonly<Record<string, string>>): unknown {
  const clean = (value: unknown): unknown => {
    if (typeof value === "string") return shortened(withoutPaths(value, paths));
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !ofTheMachine.has(key))
        .map(([key, inner]) => [key, clean(inner)]),
    );
  };
  return clean(JSON.parse(output));
}

function withoutPaths(text: string, paths: Readonly<Record<string, string>>): string {
  return Object.entries(paths).reduce((rest, [path, name]) => rest.replaceAll(path, name), text);
}

function shortened(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, 40)}… (and more, left out here)`;
}

/** What stays the same when only versions, hashes and times differ: operations, names, parents, fields. */
export function shapeOf({ steps, changeSummary }: Preview): unknown {
  const name = (urn: string) => urn.replaceAll(/\b[0-9a-f]{16}\b/g, "HASH");
  return {
    steps: steps
      .map(({ op, urn, newState }) => ({
        op,
        urn: name(urn),
        parent: newState?.parent === undefined ? undefined : name(newState.parent),
        inputs: Object.keys(newState?.inputs ?? {}).sort(),
      }))
      .sort((a, b) => (a.urn < b.urn ? -1 : 1)),
    changeSummary,
  };
}
