/**
 * Names of vulnerabilities.
 */

/** Printable ASCII without spaces: every numbering scheme keeps to it. */
const idText = /^[\x21-\x7e]{1,128}$/;
const cve = /^CVE-\d{4}-\d{4,}$/;

/** An id with its prefix in upper case (`cve-2026-1` becomes `CVE-2026-1`); undefined when it cannot be one. */
export function asId(value: unknown): string | undefined {
  const text = typeof value === "string" ? value.trim() : "";
  if (!idText.test(text)) return undefined;
  const dash = text.indexOf("-");
  const prefix = text.slice(0, dash);
  return dash > 0 && /^[a-z0-9]+$/i.test(prefix) ? prefix.toUpperCase() + text.slice(dash) : text;
}

/**
 * One name out of several for the same vulnerability: its CVE where there is exactly one, else what the scanner calls
 * it. An advisory about several CVEs keeps its own name: it stands for none of them alone.
 */
export function chooseId(
  own: string,
  others: readonly string[],
): { id: string; aliases?: readonly string[] } {
  const all = [...new Set([own, ...others])];
  const cves = all.filter((id) => cve.test(id));
  const [only] = cves;
  const id = !cve.test(own) && cves.length === 1 && only !== undefined ? only : own;
  const aliases = all.filter((other) => other !== id).sort();
  return aliases.length === 0 ? { id } : { id, aliases };
}
