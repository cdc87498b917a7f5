import { claimedTag } from "./claimed-tag.ts";
import type { Finding, FindingPackage } from "./finding.ts";
import type { VexProduct, VexStatement } from "./model.ts";
import { parsePurl, type Purl } from "./purl.ts";
import type { ImageFacts } from "./scope.ts";
import { all, type Tri } from "./tri.ts";

/** Package types whose package URLs have no namespace, so that a name alone is the whole name. */
const flatTypes = new Set(["cargo", "gem", "nuget", "pypi"]);

/**
 * Whether a statement is about this finding in this image: by the vulnerability's id or an alias, and one of the
 * products. Undefined when a fact that it takes is not known.
 *
 * It says nothing of what the statement does: a later one may revoke it, which `vexIndex` weighs.
 */
export function vexApplies(
  statement: VexStatement,
  { finding, image }: { finding: Finding; image: ImageFacts },
): Tri {
  const ids = new Set(idsOf(finding));
  if (!statementIds(statement).some((id) => ids.has(id))) return false;
  const found = foundOf(finding);
  return anyOf(statement.products.map((product) => compileProduct(product)(found, image)));
}

/** Finds the statement that takes a finding out of an image. */
export interface VexLookUp {
  (finding: Finding, image: ImageFacts): VexStatement | undefined;
  /** Whether any statement speaks of the finding at all. */
  mentions(finding: Finding): boolean;
}

/**
 * Prepares statements for many findings: the result gives the statement that takes a finding out of an image, if one
 * does. Of all statements that are about the finding the latest counts. To take a finding out, a statement must fit
 * for certain, and be later than every `affected` and `under_investigation` that fits or might fit; a moment that is
 * not known is the worse one.
 */
export function vexIndex(statements: readonly VexStatement[]): VexLookUp {
  const byId = new Map<string, Compiled[]>();
  for (const statement of statements) {
    const compiled = compile(statement);
    for (const id of new Set(statementIds(statement))) {
      const list = byId.get(id);
      if (list) list.push(compiled);
      else byId.set(id, [compiled]);
    }
  }
  const find = (finding: Finding, image: ImageFacts) => {
    // Nearly every finding ends here: nobody has said anything of it.
    const ids = idsOf(finding);
    if (!ids.some((id) => byId.has(id))) return undefined;
    const candidates = new Set(ids.flatMap((id) => byId.get(id) ?? []));
    const found = foundOf(finding);
    let clears: Compiled | undefined;
    let revokedUntil = -Infinity;
    let revoked = false;
    for (const candidate of candidates) {
      const fits = anyOf(candidate.products.map((product) => product(found, image)));
      if (candidate.takesOut) {
        if (
          fits === true &&
          isWhole(candidate.statement, finding) &&
          (clears === undefined || candidate.time > clears.time)
        )
          clears = candidate;
      } else if (fits !== false) {
        revoked = true;
        revokedUntil = Math.max(revokedUntil, candidate.time);
      }
    }
    return clears !== undefined && (!revoked || clears.time > revokedUntil) ? clears.statement : undefined;
  };
  return Object.assign(find, { mentions: (finding: Finding) => idsOf(finding).some((id) => byId.has(id)) });
}

/** A vendor's advisory can stand for several CVEs: a statement about one of them says nothing of the others. */
function isWhole(statement: VexStatement, finding: Finding): boolean {
  const [own = "", ...aliases] = idsOf(finding);
  const cves = aliases.filter((alias) => alias.startsWith("CVE-"));
  const named = new Set(statementIds(statement));
  return cves.length < 2 || named.has(own) || cves.every((cve) => named.has(cve));
}

/** Whether statements of this status take findings out. */
export function takesOut(status: VexStatement["status"]): boolean {
  return status === "not_affected" || status === "fixed";
}

/** What a finding says of its package, its package URL parsed once. */
interface Found {
  package: FindingPackage | undefined;
  purl: Purl | undefined;
}

type Match = (found: Found, image: ImageFacts) => Tri;

interface Compiled {
  statement: VexStatement;
  takesOut: boolean;
  products: readonly Match[];
  /** Milliseconds since 1970. */
  time: number;
}

function compile(statement: VexStatement): Compiled {
  const clears = takesOut(statement.status);
  const time = statement.timestamp === undefined ? NaN : Date.parse(statement.timestamp);
  const unknownTime = clears ? -Infinity : Infinity;
  return {
    statement,
    takesOut: clears,
    products: statement.products.map(compileProduct),
    time: Number.isNaN(time) ? unknownTime : time,
  };
}

function compileProduct(product: VexProduct): Match {
  const checks: Match[] = [];
  const { digest, repository, tag } = product;
  if (digest !== undefined) checks.push((_, image) => sameDigest(digest, image));
  if (repository !== undefined)
    checks.push(
      (_, { reference }) => reference && `${reference.registry}/${reference.repository}` === repository,
    );
  if (tag !== undefined) checks.push((_, image) => sameTag(tag, image));
  if (product.package !== undefined) {
    const purl = parsePurl(product.package);
    checks.push((found) => (purl === undefined ? undefined : samePackage(purl, found)));
  }
  if (checks.length === 0) return () => false;
  return (found, image) => all(checks.map((check) => check(found, image)));
}

/** A tag beside a digest might be another one's; see `claimed-tag.ts`. */
function sameTag(wanted: string, { reference, tagConfirmed }: ImageFacts): Tri {
  if (reference?.tag === undefined) return undefined;
  if (reference.tag !== wanted) return false;
  return claimedTag(reference) === undefined || tagConfirmed === true ? true : undefined;
}

function sameDigest(wanted: string, image: ImageFacts): Tri {
  const known = [image.digest, image.platformDigest, image.reference?.digest].filter(
    (one) => one !== undefined,
  );
  if (known.includes(wanted)) return true;
  // The index, the platform's manifest, or the same bytes under another algorithm might still be it.
  const algorithm = wanted.slice(0, wanted.indexOf(":") + 1);
  const comparable = known.some((one) => one.startsWith(algorithm));
  return image.digest === undefined || image.platformDigest === undefined || !comparable ? undefined : false;
}

function foundOf(finding: Finding): Found {
  const purl = finding.package?.purl;
  return { package: finding.package, purl: purl === undefined ? undefined : parsePurl(purl) };
}

function samePackage(wanted: Purl, { package: found, purl }: Found): Tri {
  if (found === undefined) return undefined;
  return all([
    purl === undefined ? sameName(wanted, found) : sameCoordinates(wanted, purl),
    sameOrAny(wanted.version, [purl?.version, found.version]),
    sameOrAny(wanted.subpath, [purl?.subpath]),
  ]);
}

function sameCoordinates(a: Purl, b: Purl): boolean {
  return a.type === b.type && a.namespace === b.namespace && a.name === b.name;
}

/** Without a package URL the namespace is not known, unless the type has none. */
function sameName(wanted: Purl, found: FindingPackage): Tri {
  if (found.type !== undefined && found.type !== wanted.type) return false;
  if (found.type !== undefined && flatTypes.has(found.type)) {
    const purl = parsePurl(`pkg:${found.type}/${encodeURIComponent(found.name)}`);
    return purl && sameCoordinates(wanted, purl);
  }
  return found.name.toLowerCase().endsWith(wanted.name.toLowerCase()) ? undefined : false;
}

function sameOrAny(wanted: string | undefined, found: readonly (string | undefined)[]): Tri {
  if (wanted === undefined) return true;
  const known = found.filter((version) => version !== undefined);
  return known.length === 0 ? undefined : known.includes(wanted);
}

function statementIds(statement: VexStatement): string[] {
  return [statement.vulnerability, ...(statement.aliases ?? [])].map((id) => id.toUpperCase());
}

function idsOf(finding: Finding): string[] {
  return [finding.id, ...(finding.aliases ?? [])].map((id) => id.toUpperCase());
}

function anyOf(values: readonly Tri[]): Tri {
  if (values.includes(true)) return true;
  return values.includes(undefined) ? undefined : false;
}
