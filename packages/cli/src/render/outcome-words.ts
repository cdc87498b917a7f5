import type { Outcome } from "@gatehouse/policy";
import type { Style } from "./style.ts";

/** What became of an object or image. */
export const outcomeWords: Readonly<Record<Outcome, string>> = {
  allow: "admitted",
  audit: "audited",
  deny: "denied",
};

/** Colours a text by an outcome. */
export function paint(outcome: Outcome, text: string, style: Style): string {
  return outcome === "deny" ? style.red(text) : outcome === "audit" ? style.yellow(text) : style.green(text);
}
