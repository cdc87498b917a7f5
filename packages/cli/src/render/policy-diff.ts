/** What two policies differ in, in words. */
import { canonicalJson, type Exemption, type Policy, type Rule } from "@gatehouse/policy";

/** One line for each difference, from `before` to `after`; none when they are the same. */
export function policyDiff(before: Policy, after: Policy): string[] {
  const lines = [
    ...mapDiff("rule", before.rules, after.rules, ruleFields),
    ...mapDiff("exemption", before.exemptions, after.exemptions, exemptionFields),
  ];
  return lines;
}
const ruleFields: readonly (keyof Rule)[] = [];
const exemptionFields: readonly (keyof Exemption)[] = [];
function mapDiff<T>(
  what: string,
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  _f: readonly (keyof T)[],
): string[] {
  return Object.keys({ ...a, ...b }).flatMap((name) =>
    canonicalJson(a[name] ?? null, what) === canonicalJson(b[name] ?? null, what)
      ? []
      : [`${what} ${name} changed`],
  );
}
