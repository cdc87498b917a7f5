/**
 * Scan reports of every format, told apart by their shape and brought to one form.
 * @module
 */
import { oneLine } from "@gatehouse/policy";
import { assemble } from "./assemble.ts";
import { cosignVulnTypes, isCosignVuln, readCosignVuln } from "./cosign-vuln.ts";
import { isGrype, readGrype } from "./grype.ts";
import { imageNames } from "./image-names.ts";
import { inTotoVulnsTypes, isInTotoVulns, readInTotoVulns } from "./in-toto-vulns.ts";
import { notAReport } from "./parsed.ts";
import type { NotAReport, ParseContext, ParseResult, RawReport, ReportedImage } from "./parsed.ts";
import { isSarif, readSarif } from "./sarif.ts";
import { payloadDocument, readEnvelope, readStatement, statementPayload } from "./statement.ts";
import type { Statement } from "./statement.ts";
import { isTrivy, readTrivy } from "./trivy.ts";

/**
 * Reads a scan report: its text, or the document already parsed. Never throws.
 *
 * What it returns is either `kind: "report"`, whose `report.state` is `complete` only if every entry was read and the
 * document says when the scan ended, or `kind: "not-a-report"`. A report never has fewer findings because something
 * in it could not be read without its state saying so.
 */
export function parseReport(input: unknown, context: ParseContext): ParseResult {
  let document = input;
  if (typeof input === "string") {
    try {
      document = JSON.parse(input.replace(/^\uFEFF/, ""));
    } catch (error) {
      return notAReport(`not JSON: ${reasonOf(error)}`);
    }
  }
  try {
    const raw = readDocument(document);
    return "kind" in raw ? raw : assemble(raw, context);
  } catch (error) {
    // What is left is a document nested so deeply that even writing it out overflows the stack.
    return notAReport(`not readable: ${reasonOf(error)}`);
  }
}

/** The engine's message quotes the document, which may hold anything. */
function reasonOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error), 160);
}

/** How deep an envelope may stand in another. */
const deepest = 4;

function readDocument(document: unknown, depth = 0): RawReport | NotAReport {
  if (isTrivy(document)) return readTrivy(document);
  if (isGrype(document)) return readGrype(document);
  if (isSarif(document)) return readSarif(document);
  const envelope = readEnvelope(document);
  if (envelope !== undefined) {
    if (envelope.payloadType !== statementPayload || depth >= deepest)
      return notAReport(`expected an envelope around ${statementPayload}`);
    return readDocument(payloadDocument(envelope), depth + 1);
  }
  const statement = readStatement(document);
  if (statement !== undefined) return readFromStatement(statement);
  if (isInTotoVulns(document)) return readInTotoVulns(document);
  if (isCosignVuln(document)) return readCosignVuln(document);
  return notAReport(
    "expected a report of Trivy or Grype (JSON or SARIF), or an in-toto or cosign vulnerability attestation",
  );
}

const hasTag = /:[^/:@]+(?:@|$)/;

/**
 * A Statement is about its subjects, whatever the report inside it says; that one only adds the tags that the same
 * repository had.
 */
function readFromStatement({ predicateType, predicate, subjects }: Statement): RawReport | NotAReport {
  const read = inTotoVulnsTypes.includes(predicateType)
    ? readInTotoVulns
    : cosignVulnTypes.includes(predicateType)
      ? readCosignVuln
      : undefined;
  if (read === undefined)
    return notAReport(`a Statement about ${oneLine(predicateType, 120)}, not about vulnerabilities`);
  const raw = read(predicate);
  const images = subjects.flatMap(({ name, digests }) =>
    // A subject's name without a tag is a repository and no claim about `latest`.
    imageNames([name], digests).map((image) => (hasTag.test(name ?? "") ? image : { ...image, tags: [] })),
  );
  const tags = (image: ReportedImage): string[] =>
    raw.images
      .filter((inner) => inner.registry === image.registry && inner.repository === image.repository)
      .flatMap((inner) => inner.tags);
  return {
    ...raw,
    images: images.map((image) => ({ ...image, tags: [...new Set([...image.tags, ...tags(image)])] })),
  };
}
