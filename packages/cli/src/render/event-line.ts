import { oneLine, type Outcome } from "@gatehouse/policy";
import { actionOf, dataOf, workloadOf } from "../observer/event-filter.ts";
import type { ShownEvent } from "../observer/read-events.ts";
import { paint } from "./outcome-words.ts";
import type { Style } from "./style.ts";

const outcomes: Readonly<Record<ReturnType<typeof actionOf>, Outcome>> = {
  denied: "deny",
  "would-deny": "deny",
  audited: "audit",
  admitted: "allow",
  "not known": "audit",
};

/** One event as one line: time, action, workload, image, why, who, how often. */
export function eventLine(shown: ShownEvent, style: Style): string {
  const data = dataOf(shown);
  const action = actionOf(data);
  const images = data.images ?? [];
  const asking = images.filter(({ outcome }) => outcome !== "allow");
  const why = asking
    .flatMap(({ rules }) => rules.map(({ rule, because }) => `${rule}: ${because}`))
    .slice(0, 2)
    .join("; ");
  const [image] = asking.length > 0 ? asking : images;
  const more = images.length > 1 ? ` (and ${images.length - 1} more)` : "";
  const parts = [
    oneLine(shown.lastAt, 40),
    paint(outcomes[action], action.padEnd(10), style),
    oneLine(`${data.object?.namespace ?? ""}/${workloadOf(data)}`, 200),
    oneLine(`${image?.reference ?? "no image"}${more}`, 300),
    why === "" ? "" : oneLine(why, 300),
    style.dim(oneLine(data.request?.user ?? "", 200)),
    shown.count > 1 ? `×${shown.count}` : "",
  ];
  return parts.filter((part) => part !== "").join("  ");
}
