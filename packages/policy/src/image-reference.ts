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
import { remember } from "./remember.ts";

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

export type ParsedImageReference =
  | { ok: true; reference: ImageReference }
  /** What is wrong, in one line without control characters. */
  | { ok: false; problem: string };

/** Longest text that is looked at. The grammar's own parts (host, 255, 128, digest) stay far below. */
const longestReference = 4096;
const longestRepository = 255;
/** An admission reads each of its references several times, and a roll-out the same ones again and again. */
const rememberedReferences = 500;
const dockerHub = "docker.io";
const dockerHubHosts = new Set(["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);
const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

// Each expression is anchored, is run on one part of a bounded text, and reads no character in two ways: linear time.
const hostLabel = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/;
const bracketedIpv6 = /^\[[a-fA-F0-9:]+\]$/;
const portNumber = /^[0-9]+$/;
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
      `${show(text)} is 64 hexadecimal digits, an image ID; expected a repository, and an image ID as name@sha256:…`,
    );

  const at = text.indexOf("@");
  const named = at === -1 ? text : text.slice(0, at);
  const { registry: host, rest } = splitRegistry(named);
  const colon = rest.indexOf(":");
  const path = colon === -1 ? rest : rest.slice(0, colon);

  const hostProblem = host === undefined ? undefined : checkHost(host);
  if (hostProblem) return problem(`${show(text)}: ${hostProblem}`);
  const registry = host === undefined ? dockerHub : canonicalHost(host);
  const repository = registry === dockerHub && !path.includes("/") ? `library/${path}` : path;
  const pathProblem = checkPath(path, repository);
  if (pathProblem) return problem(`${show(text)}: ${pathProblem}`);

  const reference: ImageReference = { registry, repository, original: text };
  if (colon !== -1) {
    const tag = rest.slice(colon + 1);
    if (!tagText.test(tag))
      return problem(
        `${show(text)}: expected a tag of 1 to 128 letters, digits, "_", "." and "-" that starts with none of the last two, got ${show(tag)}`,
      );
    reference.tag = tag;
  }
  if (at !== -1) {
    const digest = text.slice(at + 1);
    if (!isDigest(digest))
      return problem(
        `${show(text)}: expected a digest, sha256: and 64 or sha512: and 128 lower-case hexadecimal digits, got ${show(digest)}`,
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

function isHost(first: string): boolean {
  return first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
}

function splitPort(host: string): { name: string; port?: string } {
  const colon = host.lastIndexOf(":");
  return colon === -1 || host.endsWith("]")
    ? { name: host }
    : { name: host.slice(0, colon), port: host.slice(colon + 1) };
}

function checkHost(host: string): string | undefined {
  const { name, port } = splitPort(host);
  const valid = bracketedIpv6.test(name) || name.split(".").every((label) => hostLabel.test(label));
  if (!valid)
    return `expected a registry host (a DNS name, an IPv4 address or an IPv6 address in brackets), got ${show(host)}`;
  if (port !== undefined && (!portNumber.test(port) || Number(port) > 65_535))
    return `expected a port number after the registry host, got ${show(port)}`;
  return undefined;
}

/** One spelling for each registry; see the head of this file. */
function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  // A bare name such as `Foo` is a host only because of its upper case; in lower case its port tells it for one.
  if (!/[.:]/.test(lower) && lower !== "localhost") return `${lower}:443`;
  const { name: written, port } = splitPort(lower);
  const name = written.startsWith("[") ? shortestIpv6(written) : written;
  // Without a port, runtimes reach a loopback registry over plain HTTP: there `:443` is another place.
  const plain = name === "localhost" || name.startsWith("127.") || name === "[::1]";
  const usual = !plain && (name.includes(".") || name.endsWith("]"));
  const kept = port === undefined || (usual && Number(port) === 443) ? undefined : Number(port);
  if (kept !== undefined) return `${name}:${kept}`;
  return dockerHubHosts.has(name) ? dockerHub : name;
}

/** An IPv6 address in brackets as RFC 5952 writes it; what is none stays as it is, for nobody can dial it. */
function shortestIpv6(bracketed: string): string {
  const halves = bracketed.slice(1, -1).split("::");
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - tail.length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return bracketed;
  const groups = [...head, ...Array.from({ length: missing }, () => "0"), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return bracketed;
  const short = groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":");
  // The longest run of zero groups, the first of several; a single one is written out.
  const [longest = ""] = (short.match(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g) ?? []).sort(
    (a, b) => b.length - a.length,
  );
  if (longest === "") return `[${short}]`;
  const at = short.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`));
  const [before, after] = [short.slice(0, at), short.slice(at + longest.length)];
  return `[${before.replace(/:$/, "")}::${after.replace(/^:/, "")}]`;
}

function checkPath(path: string, repository: string): string | undefined {
  // Before any expression runs over it; and the limit counts `library/` as runtimes do.
  if (repository.length > longestRepository)
    return `a repository name has at most ${longestRepository} characters, this one has ${repository.length}`;
  const bad = path.split("/").find((component) => !pathComponent.test(component));
  if (bad === undefined) return undefined;
  if (bad.toLowerCase() !== bad) return `a repository name must be in lower case, got ${show(bad)}`;
  return `expected a repository name whose parts are lower-case letters and digits with single ".", "_", "__" or dashes between them, got ${show(bad)}`;
}

function problem(text: string): ParsedImageReference {
  return { ok: false, problem: text };
}

/** Quoted, escaped and cut, so that a hostile reference cannot forge lines of a log or a message. */
function show(text: string): string {
  const cut = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  // eslint-disable-next-line no-control-regex -- control characters are what must not get through
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
