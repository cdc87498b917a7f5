/**
 * Image references, read as container runtimes read them: the grammar and the normalised names of
 * https://github.com/distribution/reference (v0.6), which containerd, CRI-O and Docker share.
 *
 * Some things differ from that library, each so that nobody can name one image in two ways and be judged by only
 * one of them, or name one that has no identity:
 *
 * - A registry host that could only be a host (it has a `.`, a `:` or is `localhost`) is brought to lower case, since
 *   DNS does not tell case apart, and loses `:443`, the port that it has anyway. A port has no leading zeros, an IPv6
 *   address is in its shortest form (RFC 5952). `original` keeps what was written.
 * - A bare name with upper-case letters (`Foo/app`), which is a host for that reason alone, is `foo:443`.
 * - The other hosts that Docker Hub answers at are Docker Hub.
 * - A first part that must be a host but is not a valid one (`my_host.io/app`) is refused. The library takes it as a
 *   path without a registry.
 * - Only the digest algorithms that the OCI image specification registers with this library's hexadecimal form,
 *   sha256 and sha512, are known.
 */
import { canonicalHost, checkHost, dockerHub, isHost } from "./registry-host.ts";
import { remember } from "./remember.ts";
import { quoted } from "./quoted.ts";

/** One image reference in its normal form. It always has a tag, a digest or both. */
export interface ImageReference {
  /** Host, and port where there is one: `docker.io`, `localhost:5000`, `[2001:db8::1]:5000`. */
  registry: string;
  /** Path in the registry: `library/nginx`. At most 255 characters. */
  repository: string;
  /** As written; `latest` when neither tag nor digest was. */
  tag?: string;
  /** `sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits. */
  digest?: string;
  /** The text that was parsed. */
  original: string;
}

/** A reference, or why the text is none. */
export type ParsedImageReference =
  | { ok: true; reference: ImageReference }
  /** What is wrong, in one line without control characters. */
  | { ok: false; problem: string };

/** Longest text that is looked at. The grammar's own parts (host, 255, 128, digest) stay far below. */
const longestReference = 4096;
const longestRepository = 255;
/** An admission reads each of its references several times, and a roll-out the same ones again and again. */
const rememberedReferences = 500;
const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

// Each expression is anchored, is run on one part of a bounded text, and reads no character in two ways: linear time.
const pathComponent = /^[a-z0-9]+(?:(?:__|[._]|-+)[a-z0-9]+)*$/;
const tagText = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const lowerHex = /^[0-9a-f]+$/;
const identifier = /^[0-9a-f]{64}$/;

/**
 * Reads an image reference as written in a Pod. Never throws for a string.
 *
 * @example
 * parseImageReference("nginx") // docker.io, library/nginx, latest
 * parseImageReference("ghcr.io/acme/app:1.2@sha256:…") // tag and digest together
 */
export const parseImageReference: (text: string) => ParsedImageReference = remember(
  (text) => frozen(parse(text)),
  rememberedReferences,
);

function frozen(parsed: ParsedImageReference): ParsedImageReference {
  if (parsed.ok) Object.freeze(parsed.reference);
  return Object.freeze(parsed);
}

function parse(text: string): ParsedImageReference {
  if (text === "") return problem("an image reference must not be empty");
  if (text.length > longestReference)
    return problem(
      `an image reference has at most ${longestReference} characters, this one has ${text.length}`,
    );
  if (identifier.test(text))
    return problem(
      `${quoted(text)} is 64 hexadecimal digits, an image ID; expected a repository, and an image ID as name@sha256:…`,
    );

  const at = text.indexOf("@");
  const named = at === -1 ? text : text.slice(0, at);
  const { registry: host, rest } = splitRegistry(named);
  const colon = rest.indexOf(":");
  const path = colon === -1 ? rest : rest.slice(0, colon);

  const hostProblem = host === undefined ? undefined : checkHost(host);
  if (hostProblem) return problem(`${quoted(text)}: ${hostProblem}`);
  const registry = host === undefined ? dockerHub : canonicalHost(host);
  const repository = registry === dockerHub && !path.includes("/") ? `library/${path}` : path;
  const pathProblem = checkPath(path, repository);
  if (pathProblem) return problem(`${quoted(text)}: ${pathProblem}`);

  const reference: ImageReference = { registry, repository, original: text };
  if (colon !== -1) {
    const tag = rest.slice(colon + 1);
    if (!tagText.test(tag))
      return problem(
        `${quoted(text)}: expected a tag of 1 to 128 letters, digits, "_", "." and "-" that starts with none of the last two, got ${quoted(tag)}`,
      );
    reference.tag = tag;
  }
  if (at !== -1) {
    const digest = text.slice(at + 1);
    if (!isDigest(digest))
      return problem(
        `${quoted(text)}: expected a digest, sha256: and 64 or sha512: and 128 lower-case hexadecimal digits, got ${quoted(digest)}`,
      );
    reference.digest = digest;
  }
  if (reference.tag === undefined && reference.digest === undefined) reference.tag = "latest";
  return { ok: true, reference };
}

/** Whether `text` is a whole digest that a reference may hold. */
export function isDigest(text: string): boolean {
  const colon = text.indexOf(":");
  if (colon === -1) return false;
  const algorithm = text.slice(0, colon);
  const hex = text.slice(colon + 1);
  return (
    Object.hasOwn(digestLengths, algorithm) && digestLengths[algorithm] === hex.length && lowerHex.test(hex)
  );
}

/** The full form, `registry/repository[:tag][@digest]`. Parsing it gives the same reference again. */
export function formatImageReference(reference: Omit<ImageReference, "original">): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${formatRepository(reference)}${tag}${digest}`;
}

/** `registry/repository`. */
export function formatRepository(reference: Pick<ImageReference, "registry" | "repository">): string {
  return `${reference.registry}/${reference.repository}`;
}

/**
 * The short form that people know, without `docker.io/` and `library/` (`nginx:1.27`). Where the rest alone would be
 * read as another registry (`docker.io/localhost/app`), nothing is left out: parsing it gives the same reference.
 */
export function familiar(reference: Omit<ImageReference, "original">): string {
  const full = formatImageReference(reference);
  if (reference.registry !== dockerHub) return full;
  const short = full.slice(dockerHub.length + 1);
  const [first = "", second, third] = reference.repository.split("/");
  if (first === "library" && second !== undefined && third === undefined)
    return short.slice("library/".length);
  return second === undefined || isHost(first) ? full : short;
}

/**
 * Every form that a `Scope.image` pattern is compared with: `registry/repository`, with `:tag`, with `@digest`, with
 * both. `known` are the digests that it was resolved to, as far as they are known: the index's, the platform's.
 */
export function imageForms(
  reference: Pick<ImageReference, "registry" | "repository" | "tag"> & { digest?: string | undefined },
  ...known: readonly (string | undefined)[]
): string[] {
  const { registry, repository, tag } = reference;
  const digests = [reference.digest, ...known].filter((one) => one !== undefined);
  const tags = tag === undefined ? [{}] : [{}, { tag }];
  const forms = [
    ...tags.map((tagged) => formatImageReference({ registry, repository, ...tagged })),
    ...digests.flatMap((one) =>
      tags.map((tagged) => formatImageReference({ registry, repository, ...tagged, digest: one })),
    ),
  ];
  return [...new Set(forms)];
}

/** The first part is a registry when it cannot be a path component of Docker Hub. */
function splitRegistry(named: string): { registry?: string; rest: string } {
  const slash = named.indexOf("/");
  if (slash === -1) return { rest: named };
  const first = named.slice(0, slash);
  if (!isHost(first)) return { rest: named };
  return { registry: first, rest: named.slice(slash + 1) };
}

function checkPath(path: string, repository: string): string | undefined {
  // Before any expression runs over it; and the limit counts `library/` as runtimes do.
  if (repository.length > longestRepository)
    return `a repository name has at most ${longestRepository} characters, this one has ${repository.length}`;
  const bad = path.split("/").find((component) => !pathComponent.test(component));
  if (bad === undefined) return undefined;
  if (bad.toLowerCase() !== bad) return `a repository name must be in lower case, got ${quoted(bad)}`;
  return `expected a repository name whose parts are lower-case letters and digits with single ".", "_", "__" or dashes between them, got ${quoted(bad)}`;
}

function problem(text: string): ParsedImageReference {
  return { ok: false, problem: text };
}
