import { oneLine, policyHash, withCode, type Policy, type PolicyWarning } from "@gatehouse/policy";
import { exemptionWords, ruleWords } from "./policy-words.ts";
import type { Style } from "./style.ts";

/** A policy in words: its rules, exemptions, warnings and hash. */
export function policyText(policy: Policy, warnings: readonly PolicyWarning[], style: Style): string {
  const rules = Object.entries(policy.rules).flatMap(([name, rule]) => [
    `  ${style.bold(oneLine(name, 100))}  ${oneLine(rule.description, 200)}`,
    `    ${oneLine(ruleWords(rule), 600)}`,
  ]);
  const exemptions = Object.entries(policy.exemptions).flatMap(([name, exemption]) => [
    `  ${style.bold(oneLine(name, 100))}  ${oneLine([`${exemption.owner}: ${exemption.reason}`, exemption.ticket ?? ""].filter(Boolean).join(", "), 200)}`,
    `    ${oneLine(exemptionWords(exemption), 600)}`,
  ]);
  const lines = [
    "Rules",
    ...rules,
    ...(exemptions.length === 0 ? [] : ["Exemptions", ...exemptions]),
    ...(policy.vex.length === 0 ? [] : [`VEX: ${policy.vex.length} statements`]),
    ...(warnings.length === 0
      ? []
      : [style.yellow("Warnings"), ...warnings.map((one) => `  ${placed(one)}`)]),
    `SHA-256 ${policyHash(policy)}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** A warning for standard error. */
export function warningLine(warning: PolicyWarning): string {
  return `warning: ${placed(warning)}`;
}

function placed({ code, path, problem }: PolicyWarning): string {
  return withCode(code, oneLine(`${path}: ${problem}`, 400));
}
