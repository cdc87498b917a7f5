import type { KubeObject } from "../objects.ts";

const EXPRESSION =
  /^(?:(?<absent>!)?(?<exists>[^\s=!(),]+)|(?<key>[^\s=!(),]+)\s*(?<op>==|=|!=)\s*(?<value>[^\s=!(),]*)|(?<set>[^\s=!(),]+)\s+(?<in>in|notin)\s+\((?<values>[^()]*)\))$/;

function holds(labels: Readonly<Record<string, string>>, expression: string): boolean {
  const groups = EXPRESSION.exec(expression.trim())?.groups;
  if (!groups) throw new Error(`unable to parse requirement: ${expression}`);
  if (groups["exists"] !== undefined) {
    return groups["absent"] === undefined
      ? labels[groups["exists"]] !== undefined
      : labels[groups["exists"]] === undefined;
  }
  if (groups["key"] !== undefined) {
    return (labels[groups["key"]] === groups["value"]) === (groups["op"] !== "!=");
  }
  const values = (groups["values"] ?? "").split(",").map((value) => value.trim());
  const label = labels[groups["set"] ?? ""];
  return (label !== undefined && values.includes(label)) === (groups["in"] === "in");
}

/** Whether an object's labels meet a label selector. Throws on one that cannot be parsed. */
export function meetsLabels(object: KubeObject, selector: string | null): boolean {
  if (!selector) return true;
  return selector
    .split(/,(?![^(]*\))/)
    .every((expression) => holds(object.metadata.labels ?? {}, expression));
}

/** Whether an object meets a field selector; a field is a dotted path, an absent one counts as empty. */
export function meetsFields(object: KubeObject, selector: string | null): boolean {
  if (!selector) return true;
  return selector.split(",").every((expression) => {
    const match = /^(?<path>[\w.]+)(?<op>!?=)=?(?<value>.*)$/.exec(expression);
    if (!match?.groups) throw new Error(`invalid field selector: ${expression}`);
    let value: unknown = object;
    for (const part of (match.groups["path"] ?? "").split(".")) {
      value = typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined;
    }
    const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
    return (text === match.groups["value"]) === (match.groups["op"] === "=");
  });
}
