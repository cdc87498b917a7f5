/** What `gatehouse check` tells people. */
import {
  because,
  codeOf,
  leadingCode,
  messageCodes,
  oneLine,
  type ExemptionResult,
  type Finding,
  type ImageDecision,
  type Outcome,
  type RuleResult,
} from "@gatehouse/policy";
import type { Judged, ObjectName } from "../judge.ts";
import type { Checked } from "./checked.ts";
import { findingLines } from "./finding-lines.ts";
import { outcomeWords, paint } from "./outcome-words.ts";
import type { Style } from "./style.ts";

type Ruled = Extract<Judged, { verdict: "ruled" }>;
type Refused = Extract<Judged, { verdict: "refused" }>;

/** One block for each object, then a summary. */
export function checkText(checked: Checked, style: Style): string {
  const blocks = checked.judged.map((one) => block(one, checked, style));
  return `${[...blocks.flat(), ...summaryLines(checked, style)].join("\n")}\n`;
}

function block(one: Judged, checked: Checked, style: Style): string[] {
  if (one.verdict === "not-judged") return [style.dim(`${title(one)}  not judged: ${one.reason}`)];
  if (one.verdict === "refused") return refusedLines(one, style);
  const { ruling } = one;
  const code = leadingCode(ruling);
  const head = `${title(one)}  ${paint(ruling.action, outcomeWords[ruling.action], style)}${code === undefined ? "" : ` [${code}]`}${one.open ? ", could not tell" : ""}`;
  const exemptions = new Map(ruling.exemptions.map((result) => [result.exemption, result]));
  return [
    head,
    ...ruling.images
      .filter((image) => image.outcome !== "allow" || setAsideLines(image, exemptions).length > 0)
      .flatMap((image) => imageLines(one, image, checked, exemptions, style)),
  ];
}

function refusedLines({ manifest, problems, refusal, action, ...one }: Refused, style: Style): string[] {
  const head = `${title({ manifest, ...one })}  ${paint(action, outcomeWords[action], style)} [${refusal.code}]`;
  return [
    head,
    `  ${messageCodes[refusal.code].title}`,
    ...problems.map(({ path, problem }) =>
      oneLine(`  line ${manifest.lineOf(path)}: ${path || "object"}: ${problem}`, 400),
    ),
  ];
}

function imageLines(
  { manifest }: Ruled,
  image: ImageDecision,
  { policy }: Checked,
  exemptions: ReadonlyMap<string, ExemptionResult>,
  style: Style,
): string[] {
  const path = image.paths[0] ?? "";
  const named = new Set<Finding>();
  const also = image.paths.length > 1 ? ` and ${image.paths.length - 1} more` : "";
  const asking = image.rules
    .filter(({ outcome }) => outcome !== "allow")
    .sort((a, b) => Number(b.outcome === "deny") - Number(a.outcome === "deny"));
  return [
    `  ${style.bold(oneLine(image.reference, 200))}  ${style.dim(`line ${manifest.lineOf(path)}, ${oneLine(path, 120)}${also}`)}`,
    `    ${style.dim(scanWords(image))}`,
    ...asking.flatMap((result) =>
      ruleLines(image, result, { description: policy.rules[result.rule]?.description, named }, style),
    ),
    ...setAsideLines(image, exemptions).map((line) => `    ${line}`),
  ];
}

/** What is known of an image's scan, in one line. */
export function scanWords(image: ImageDecision): string {
  const count = image.findingCount === 1 ? "1 finding" : `${image.findingCount} findings`;
  if (image.state !== "complete")
    return oneLine(
      `scan ${image.state}${image.stateReason === undefined ? "" : `: ${image.stateReason}`}`,
      300,
    );
  const by = image.trust.kind === "signed" ? `, signed by ${image.trust.identity}` : "";
  const unsigned = image.trust.kind === "unsigned" ? ", nobody vouches for it" : "";
  return oneLine(`scanned ${image.scannedAt ?? "at no known time"}, ${count}${by}${unsigned}`, 300);
}

function ruleLines(
  image: ImageDecision,
  result: RuleResult,
  // `named`: findings that stand above already; the ones named here are added.
  { description, named }: { description: string | undefined; named: Set<Finding> },
  style: Style,
): string[] {
  const verb =
    result.outcome === "deny"
      ? "denies"
      : result.status === "already-running"
        ? "audits (it runs already)"
        : "audits";
  const about = description === undefined ? "" : `: ${oneLine(description, 200)}`;
  const lines = [
    `    ${oneLine(result.rule, 100)} ${paint(result.outcome, verb, style)}${about} [${codeOf(image, result)}]`,
  ];
  const above = result.findings.filter((finding) => named.has(finding)).length;
  const others = result.findings.filter((finding) => !named.has(finding));
  for (const finding of others) named.add(finding);
  lines.push(...findingLines(others).map((line) => `      ${line}`));
  if (above > 0) lines.push(`      ${style.dim(`${others.length > 0 ? "and " : ""}${above} named above`)}`);
  // The state of the scan stands above, too.
  if (result.matched && result.findings.length === 0) lines.push(`      ${because(image, result)}`);
  if (result.couldNotTell.length > 0)
    lines.push(`      ${style.yellow("could not tell")}: ${unknownWords(result)}`);
  return lines;
}

/** The attributes that were not known, and of how many findings. */
export function unknownWords({ couldNotTell }: RuleResult): string {
  const counts = new Map<string, string[]>();
  for (const { attribute, finding } of couldNotTell)
    counts.set(attribute, [...(counts.get(attribute) ?? []), ...(finding === undefined ? [] : [finding])]);
  const all = [...counts].map(([attribute, ids]) =>
    ids.length === 0
      ? attribute
      : `${attribute} of ${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ` and ${ids.length - 3} more` : ""}`,
  );
  return oneLine(all.join("; "), 300);
}

function setAsideLines(image: ImageDecision, exemptions: ReadonlyMap<string, ExemptionResult>): string[] {
  const lines = image.rules.flatMap(({ rule, exemption, state, setAside }) => [
    ...(exemption === undefined ? [] : [`exempt from ${rule} by ${withDaysLeft(exemption, exemptions)}`]),
    ...(state.exemption === undefined
      ? []
      : [`scan ${state.state} excused by ${withDaysLeft(state.exemption, exemptions)}`]),
    ...setAside.map(({ finding, package: about, by }) => {
      const what = `${finding}${about === undefined ? "" : ` in ${about}`}`;
      return "vex" in by
        ? `${what} does not count, says VEX ${by.vex}`
        : `${what} exempt from ${rule} by ${withDaysLeft(by.exemption, exemptions)}`;
    }),
  ]);
  return [...new Set(lines)].slice(0, 20).map((line) => oneLine(line, 300));
}

function withDaysLeft(name: string, exemptions: ReadonlyMap<string, ExemptionResult>): string {
  const days = exemptions.get(name)?.daysLeft;
  return days === undefined ? `${name}, permanent` : `${name}, ${days} ${days === 1 ? "day" : "days"} left`;
}

function title({ manifest, object }: Pick<Judged, "manifest" | "object">): string {
  const file = manifest.file === "-" ? "stdin" : manifest.file;
  return `${oneLine(file, 300)}:${manifest.line}  ${oneLine(objectWords(object), 400)}`;
}

/** `Deployment shop/web`. */
export function objectWords({ kind, namespace, name }: ObjectName): string {
  return `${kind} ${namespace}/${name || "(unnamed)"}`;
}

function summaryLines({ judged, policy, policyHash, mode, problems }: Checked, style: Style): string[] {
  const actions = judged.flatMap((one) =>
    one.verdict === "ruled" ? [one.ruling.action] : one.verdict === "refused" ? [one.action] : [],
  );
  const count = (action: Outcome) => actions.filter((one) => one === action).length;
  const open = judged.filter((one) => one.verdict === "ruled" && one.open).length;
  const parts = [
    ...(["deny", "audit", "allow"] as const).flatMap((action) =>
      count(action) === 0 ? [] : [paint(action, `${count(action)} ${outcomeWords[action]}`, style)],
    ),
    ...(judged.length > actions.length ? [`${judged.length - actions.length} not judged`] : []),
    ...(open > 0 ? [`${open} could not be told in full`] : []),
    ...(problems.length > 0 ? [style.red(`${problems.length} not readable`)] : []),
  ];
  const denied = count("deny") > 0;
  return [
    "",
    `${parts.join(", ")} ${style.dim(`(mode ${mode}, policy ${policyHash.slice(0, 12)})`)}`,
    ...(denied ? [`Exemption: ${oneLine(policy.exemptionHelp, 400)}`] : []),
  ];
}
