/** What the gate says when its break-glass exemptions change: a CloudEvents 1.0 event, as `event.ts` has them. */
import * as z from "zod/mini";
import type { Exemption } from "./model.ts";
import { oneLine } from "./safe-text.ts";

/** `type` of the event. */
export const emergencyEventType = "io.gatehouse.emergency.v1";

const text = z.string();

/** The event as it stands on standard output. */
export const emergencyEventSchema = z.strictObject({
  specversion: z.literal("1.0"),
  type: z.literal(emergencyEventType),
  source: text,
  id: text,
  time: text,
  subject: z.literal("gatehouse-emergency"),
  datacontenttype: z.literal("application/json"),
  data: z.strictObject({
    cluster: text,
    /** All that are in force now; none when the last one went. */
    exemptions: z.array(z.strictObject({ exemption: text, owner: text, reason: text, until: text })),
    /** Entries that are ignored, and why. */
    problems: z.array(text),
  }),
});
/** The event about a change of the emergency list. */
export type EmergencyEvent = z.infer<typeof emergencyEventSchema>;

/** Most entries and problems that one event carries. */
const most = 100;

/** Builds the event. `at` in milliseconds since 1970. */
export function emergencyEvent(input: {
  instance: string;
  cluster: string;
  exemptions: Readonly<Record<string, Exemption>>;
  problems: readonly string[];
  at: number;
}): EmergencyEvent {
  const instance = encodeURIComponent(input.instance.toWellFormed());
  return {
    specversion: "1.0",
    type: emergencyEventType,
    source: `/clusters/${encodeURIComponent(input.cluster.toWellFormed())}/judges/${instance}`,
    id: `emergency-${instance}-${input.at}`,
    time: new Date(input.at).toISOString(),
    subject: "gatehouse-emergency",
    datacontenttype: "application/json",
    data: {
      cluster: input.cluster,
      exemptions: Object.entries(input.exemptions)
        .slice(0, most)
        .map(([exemption, { owner, reason, until }]) => ({
          exemption: oneLine(exemption, 100),
          owner: oneLine(owner, 200),
          reason: oneLine(reason, 300),
          until: oneLine(until ?? "", 40),
        })),
      problems: input.problems.slice(0, most).map((problem) => oneLine(problem, 300)),
    },
  };
}
