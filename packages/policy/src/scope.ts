import type { ImageReference } from "./image-reference.ts";
import { imageForms } from "./image-reference.ts";
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
}

/** A compiled scope. `unknown` is given the name of each fact that was needed and is not known. */
export type ScopeMatcher = (subject: Subject, image: ImageFacts, unknown: (attribute: string) => void) => Tri;

type Check = (subject: Subject, image: ImageFacts) => Tri;

/** Compiles a scope: all its fields must hold. A field whose fact is not known makes the answer unknown, not "no". */
export function compileScope(scope: Scope): ScopeMatcher {
  const checks = [...subjectChecks(scope), ...imageChecks(scope)];
  return (subject, image, unknown) => {
    let result: Tri = true;
    const missing: string[] = [];
    for (const [attribute, check] of checks) {
      const answer = check(subject, image);
      if (answer === false) return false;
      if (answer === undefined) {
        result = undefined;
        missing.push(attribute);
      }
    }
    for (const attribute of missing) unknown(attribute);
    return result;
  };
}

function* subjectChecks(scope: Scope): Generator<[string, Check]> {
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

function* imageChecks(scope: Scope): Generator<[string, Check]> {
  if (scope.registry !== undefined)
    yield ["registry", value(scope.registry, (_, image) => image.reference?.registry)];
  if (scope.repository !== undefined)
    yield ["repository", value(scope.repository, (_, image) => image.reference?.repository)];
  if (scope.image !== undefined) {
    const matches = compilePatterns(scope.image);
    yield [
      "image",
      (_, image) =>
        image.reference === undefined ? undefined : matches.any(imageForms(image.reference, image.digest)),
    ];
  }
  if (scope.digest !== undefined) {
    const matches = compilePatterns(scope.digest);
    yield [
      "digest",
      (_, image) => {
        const digests = [image.digest, image.platformDigest].filter((digest) => digest !== undefined);
        return digests.length === 0 ? undefined : matches.any(digests);
      },
    ];
  }
}

function value(patterns: Patterns, read: (subject: Subject, image: ImageFacts) => string | undefined): Check {
  const matches = compilePatterns(patterns);
  return (subject, image) => {
    const text = read(subject, image);
    return text === undefined ? undefined : matches(text);
  };
}

/** A label that is not set has no value to match: only negated patterns hold for it. */
function* labelChecks(
  attribute: string,
  wanted: Readonly<Record<string, Patterns>> | undefined,
  read: (subject: Subject) => Readonly<Record<string, string>> | undefined,
): Generator<[string, Check]> {
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
