import { byDigestAlone, claimedTag } from "./claimed-tag.ts";
import type { ImageReference } from "./image-reference.ts";
import { imageForms } from "./image-reference.ts";
import { mayNameDigest } from "./image-patterns.ts";
import type { Patterns, Scope } from "./model.ts";
import { compilePatterns } from "./patterns.ts";
import type { Subject } from "./subject.ts";
import type { Tri } from "./tri.ts";

/** One image of a subject, as scopes see it. */
export interface ImageFacts {
  /** Absent when the reference as written is not valid. */
  reference?: ImageReference;
  /** Digest of the index or manifest, where resolved. */
  digest?: string;
  /** Digest of the platform's own manifest. */
  platformDigest?: string;
  /** Whether the tag that the reference has beside a digest was seen to name it; see `claimed-tag.ts`. */
  tagConfirmed?: boolean;
}

/**
 * A compiled scope. It is bound to a subject first, so that what asks nothing of images is asked once for all of them.
 */
export type ScopeMatcher = (subject: Subject) => BoundScope;

/** Whether an image is in scope. `unknown` is given the name of each fact that was needed and is not known. */
export type BoundScope = (image: ImageFacts, unknown: (attribute: string) => void) => Tri;

type Check<Asked> = readonly [attribute: string, check: (asked: Asked) => Tri];

/** Compiles a scope: all its fields must hold. A field whose fact is not known makes the answer unknown, not "no". */
export function compileScope(scope: Scope): ScopeMatcher {
  const ofSubject = [...subjectChecks(scope)];
  const ofImage = [...imageChecks(scope)];
  const [first] = ofImage;
  const only = first !== undefined && ofImage.length === 1 ? byOne(first) : undefined;
  return (subject) => {
    const missing = missingFacts(ofSubject, subject);
    if (missing === undefined) return outOfScope;
    if (ofImage.length === 0 && missing.length === 0) return inScope;
    if (only !== undefined && missing.length === 0) return only;
    return (image, unknown) => {
      const more = missingFacts(ofImage, image);
      if (more === undefined) return false;
      for (const attribute of missing) unknown(attribute);
      for (const attribute of more) unknown(attribute);
      return missing.length === 0 && more.length === 0 ? true : undefined;
    };
  };
}

/** The most usual scope: one thing is asked of the image. */
function byOne([attribute, check]: Check<ImageFacts>): BoundScope {
  return (image, unknown) => {
    const answer = check(image);
    if (answer === undefined) unknown(attribute);
    return answer;
  };
}

const outOfScope: BoundScope = () => false;
const inScope: BoundScope = () => true;
const none: readonly string[] = [];

/** The facts that are not known; `undefined` when a check fails, whatever they are. */
function missingFacts<Asked>(checks: readonly Check<Asked>[], asked: Asked): readonly string[] | undefined {
  let missing = none;
  for (const [attribute, check] of checks) {
    const answer = check(asked);
    if (answer === false) return undefined;
    if (answer === undefined) missing = [...missing, attribute];
  }
  return missing;
}

function* subjectChecks(scope: Scope): Generator<Check<Subject>> {
  const { cluster, workload } = scope;
  for (const fact of ["name", "cloud", "account", "region"] as const) {
    const patterns = cluster?.[fact];
    if (patterns !== undefined)
      yield [`cluster.${fact}`, value(patterns, (subject) => subject.cluster[fact])];
  }
  yield* labelChecks("cluster.labels", cluster?.labels, (subject) => subject.cluster.labels);
  const namespace = namespaceScope(scope.namespace);
  if (namespace.name !== undefined)
    yield ["namespace", value(namespace.name, (subject) => subject.namespace.name)];
  yield* labelChecks("namespace.labels", namespace.labels, (subject) => subject.namespace.labels);
  for (const fact of ["kind", "name"] as const) {
    const patterns = workload?.[fact];
    if (patterns !== undefined)
      yield [
        "workload",
        value(patterns, (subject) => (subject.workload.resolved ? subject.workload[fact] : undefined)),
      ];
  }
  if (scope.pod !== undefined) yield ["pod", value(scope.pod, (subject) => subject.pod)];
  yield* labelChecks("labels", scope.labels, (subject) => subject.object.labels);
}

function* imageChecks(scope: Scope): Generator<Check<ImageFacts>> {
  if (scope.registry !== undefined)
    yield ["registry", value(scope.registry, (image) => image.reference?.registry)];
  if (scope.repository !== undefined)
    yield ["repository", value(scope.repository, (image) => image.reference?.repository)];
  if (scope.image !== undefined) {
    const matches = compilePatterns(byDigestAlone(scope.image));
    yield [
      "image",
      ({ reference, ...image }) => {
        if (reference === undefined) return undefined;
        const digests = [image.digest, image.platformDigest];
        const claimed = claimedTag(reference) !== undefined && image.tagConfirmed !== true;
        const { tag: _, ...untagged } = reference;
        const forms = imageForms(claimed ? untagged : reference, ...digests);
        const known = hasAllDigests(reference, image);
        if (known && !claimed) return matches.any(forms);
        const byDigest = known ? never : mayNameDigest(imageForms({ ...reference, digest: undefined }));
        const claims = claimed ? imageForms(reference, ...digests) : [];
        return matches.anyOfSome(
          forms,
          (pattern) => byDigest(pattern) || claims.some((form) => compilePatterns(pattern)(form)),
        );
      },
    ];
  }
  if (scope.digest !== undefined) {
    const matches = compilePatterns(scope.digest);
    yield [
      "digest",
      ({ reference, ...image }) => {
        const digests = [reference?.digest, image.digest, image.platformDigest].filter(
          (digest) => digest !== undefined,
        );
        return hasAllDigests(reference, image)
          ? matches.any(digests)
          : matches.anyOfSome(digests, () => true);
      },
    ];
  }
}

function never(): boolean {
  return false;
}

/** Whether no digest that the image goes by is still to be found out: the index's, and the platform's in it. */
function hasAllDigests(
  reference: ImageReference | undefined,
  { digest, platformDigest }: Omit<ImageFacts, "reference">,
): boolean {
  return (digest ?? reference?.digest) !== undefined && platformDigest !== undefined;
}

function value<Asked>(patterns: Patterns, read: (asked: Asked) => string | undefined): (asked: Asked) => Tri {
  const matches = compilePatterns(patterns);
  return (asked) => {
    const text = read(asked);
    return text === undefined ? undefined : matches(text);
  };
}

/** A label that is not set has no value to match: only negated patterns hold for it. */
function* labelChecks(
  attribute: string,
  wanted: Readonly<Record<string, Patterns>> | undefined,
  read: (subject: Subject) => Readonly<Record<string, string>> | undefined,
): Generator<Check<Subject>> {
  for (const [label, patterns] of Object.entries(wanted ?? {})) {
    const matches = compilePatterns(patterns);
    const onlyNegated = [patterns].flat().every((pattern) => pattern.startsWith("!"));
    yield [
      attribute,
      (subject) => {
        const labels = read(subject);
        if (labels === undefined) return undefined;
        return Object.hasOwn(labels, label) ? matches(labels[label] ?? "") : onlyNegated;
      },
    ];
  }
}

/** Both spellings of a namespace scope as one. */
export function namespaceScope(namespace: Scope["namespace"]): {
  name?: Patterns;
  labels?: Readonly<Record<string, Patterns>>;
} {
  if (namespace === undefined) return {};
  return typeof namespace === "string" || Array.isArray(namespace)
    ? { name: namespace as Patterns }
    : (namespace as { name?: Patterns; labels?: Readonly<Record<string, Patterns>> });
}
