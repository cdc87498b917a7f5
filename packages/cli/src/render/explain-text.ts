/** What `gatehouse explain` tells people. */
import {
  because,
  leadingCode,
  messageCodes,
  oneLine,
  severities,
  stateCodes,
  type ExemptionResult,
  type ImageDecision,
  type ImageScan,
  type Outcome,
  type PlatformScan,
  type Policy,
  type RuleResult,
  type Ruling,
  type Change,
  type Subject,
  type Upgrade,
} from "@gatehouse/policy";
import { unknownWords } from "./check-text.ts";
import { findingLines } from "./finding-lines.ts";
import { conditionWords, exemptionWords, scopeWords } from "./policy-words.ts";
import { outcomeWords, paint } from "./outcome-words.ts";
import type { Style } from "./style.ts";

/** Everything that there is to say about one image, as data. */
export interface Explained {
  image: string;
  scan: ImageScan;
  ruling: Ruling;
  subject: Subject;
  policy: Policy;
  policyHash: string;
  changes: readonly Change[];
  /** Milliseconds since 1970. */
  now: number;
}

/** The report, the verdict, each rule, each exemption, and what would change it. */
export function explainText(explained: Explained, style: Style): string {
  const { image, scan, ruling, policy, changes, subject } = explained;
  const code = leadingCode(ruling);
  const lines = [
    style.bold(oneLine(image, 512)),
    ...(scan.digest === undefined ? [] : [`  digest   ${scan.digest}`]),
    ...scan.platforms.flatMap((platform) => reportLines(platform, explained.now)),
    `  verdict  ${paint(ruling.action, outcomeWords[ruling.action], style)}${code === undefined ? "" : ` [${code}]`} in namespace ${oneLine(subject.namespace.name, 100)}, mode ${ruling.mode}${ruling.action === ruling.inDenyMode ? "" : ` (mode deny: ${outcomeWords[ruling.inDenyMode]})`}`,
    "",
    style.bold("Rules"),
    ...ruling.images.flatMap((decision) =>
      decision.rules.flatMap((result) => ruleLines(decision, result, policy, style)),
    ),
  ];
  if (ruling.exemptions.length > 0)
    lines.push(
      "",
      style.bold("Exemptions"),
      ...ruling.exemptions.flatMap((result) => exemptionLines(result, policy)),
    );
  lines.push("", style.bold("What would change it"), ...changeLines(explained, changes));
  return `${lines.join("\n")}\n`;
}

function reportLines({ platform, report }: PlatformScan, now: number): string[] {
  const { state, reason, scanner, scannedAt, source, trust, findings } = report;
  const parts = [
    `${state}${reason === undefined ? "" : `: ${reason}`}`,
    scannedAt === undefined ? "" : `ended ${scannedAt} (${age(now - Date.parse(scannedAt))})`,
    scanner === undefined ? "" : `by ${scanner.name} ${scanner.version ?? ""}`.trim(),
    `from ${source}`,
    trust.kind === "signed" ? `signed by ${trust.identity}` : "",
    trust.kind === "unsigned" ? "nobody vouches for it" : "",
    platform === undefined ? "" : `for ${platform}`,
  ];
  return [
    `  scan     ${oneLine(parts.filter((part) => part !== "").join(", "), 400)}`,
    `  found    ${countWords(findings.map(({ severity }) => severity))}`,
  ];
}

function countWords(found: readonly string[]): string {
  if (found.length === 0) return "no findings";
  const counts = severities.flatMap((severity) => {
    const count = found.filter((one) => one === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  return `${found.length === 1 ? "1 finding" : `${found.length} findings`}: ${counts.join(", ")}`;
}

function age(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  if (hours < 0) return "in the future";
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}

function ruleLines(image: ImageDecision, result: RuleResult, policy: Policy, style: Style): string[] {
  const rule = policy.rules[result.rule];
  const verbs: Readonly<Record<Outcome, string>> = { allow: "lets in", audit: "audits", deny: "denies" };
  const head = `  ${paint(result.outcome, verbs[result.outcome].padEnd(8), style)} ${oneLine(result.rule, 100)}${rule === undefined ? "" : style.dim(`  ${oneLine(rule.description, 200)}`)}`;
  const lines = [head, `           ${whyWords(image, result, policy)}`];
  lines.push(...findingLines(result.findings).map((line) => `             ${line}`));
  for (const { finding, package: about, by } of result.setAside) {
    const what = `${finding}${about === undefined ? "" : ` in ${about}`}`;
    const reason = "vex" in by ? `VEX ${by.vex}` : `exemption ${by.exemption}`;
    lines.push(`             ${oneLine(`${what} does not count: ${reason}`, 300)}`);
  }
  if (result.couldNotTell.length > 0)
    lines.push(`           ${style.yellow("could not tell")}: ${unknownWords(result)}`);
  return lines;
}

/** Why a rule asks for what it asks, or for nothing. */
function whyWords(image: ImageDecision, result: RuleResult, policy: Policy): string {
  const rule = policy.rules[result.rule];
  switch (result.status) {
    case "disabled":
      return "disabled";
    case "out-of-scope":
      return `not about this: it is for ${scopeWords(rule?.where)}`;
    case "excepted":
      return "not about this: an exception of the rule fits";
    case "exempt":
      return `exempt: ${oneLine(result.exemption ?? "", 100)}`;
    case "already-running":
      return "would deny, but this digest runs here already and is admitted for a while";
    case "evaluated":
      break;
  }
  const condition = rule === undefined ? "its condition" : oneLine(conditionWords(rule.when), 300);
  if (result.outcome !== "allow") return result.matched ? `holds: ${condition}` : because(image, result);
  const excused = result.state.exemption;
  if (excused !== undefined) return `scan ${result.state.state}, excused by ${oneLine(excused, 100)}`;
  const state = result.state.state === "complete" ? "" : `; lets in scans that are ${result.state.state}`;
  return `does not hold: ${condition}${state}`;
}

function exemptionLines({ exemption, status, daysLeft }: ExemptionResult, policy: Policy): string[] {
  const one = policy.exemptions[exemption];
  const left = daysLeft === undefined ? "permanent" : `${daysLeft} ${daysLeft === 1 ? "day" : "days"} left`;
  const said: Readonly<Record<ExemptionResult["status"], string>> = {
    used: `used, ${left}`,
    unused: `fits this image, but nothing of it was needed (${left})`,
    "out-of-scope": `not about this: it is for ${scopeWords(one?.where)}`,
    expired: `ended on ${one?.until ?? "a day unknown"}: never used`,
  };
  return [
    `  ${oneLine(exemption, 100)}  ${said[status]}`,
    ...(one === undefined
      ? []
      : [`           ${exemptionWords(one)}; ${oneLine(`${one.owner}: ${one.reason}`, 200)}`]),
  ];
}

function changeLines({ policy, ruling }: Explained, changes: readonly Change[]): string[] {
  const lines = changes.flatMap((change) => lineOf(change, policy, ruling));
  if (lines.length > 0) return lines;
  return ruling.outcome === "allow"
    ? ["  nothing has to: it is admitted"]
    : [`  an exemption: ${oneLine(policy.exemptionHelp, 400)}`];
}

function lineOf(change: Change, policy: Policy, ruling: Ruling): string[] {
  switch (change.kind) {
    case "upgrade":
      return [
        ...change.upgrades.map((upgrade) => `  ${upgradeWords(upgrade)}`),
        `  ${change.upgrades.length === 1 ? "with it" : "with all of them"}: ${outcomeWords[change.outcome]}`,
      ];
    case "no-fix": {
      const ids = [...new Set(change.findings.map(({ id }) => id))];
      const more = ids.length > 5 ? ` and ${ids.length - 5} more` : "";
      return [
        `  ${oneLine(`no fix is known for ${ids.slice(0, 5).join(", ")}${more}`, 300)}`,
        `  an exemption: ${oneLine(policy.exemptionHelp, 400)}`,
      ];
    }
    case "scan": {
      const state = ruling.images[0]?.state;
      const how = state === undefined || state === "complete" ? [] : [messageCodes[stateCodes[state]].mend];
      return [
        `  a finished scan that finds no more than is known: ${outcomeWords[change.outcome]}`,
        ...how.map((line) => `    ${line}`),
      ];
    }
    case "renew":
      return [
        `  exemption ${oneLine(change.exemption, 100)}, which ended on ${change.until}, made to last: ${outcomeWords[change.outcome]}`,
      ];
    case "ends": {
      const when =
        change.until === undefined
          ? "is taken out"
          : `ends (${change.until}, in ${change.daysLeft ?? 0} days)`;
      return [`  once exemption ${oneLine(change.exemption, 100)} ${when}: ${outcomeWords[change.outcome]}`];
    }
    default:
      return change satisfies never;
  }
}

function upgradeWords({ package: name, from, to, findings }: Upgrade): string {
  const target = to.length === 0 ? "the version with the fix" : to.join(" or later, ");
  const ids =
    findings.slice(0, 3).join(", ") + (findings.length > 3 ? ` and ${findings.length - 3} more` : "");
  return oneLine(`upgrade ${name}${from === undefined ? "" : ` from ${from}`} to ${target} (${ids})`, 300);
}
