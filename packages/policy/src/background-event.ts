/** What the observer says when what it judges again comes out otherwise than before. The form is the admission event's. */
import * as z from "zod/mini";
import { admissionDataSchema, admissionEvent, type EventInput } from "./event.ts";
import { outcomes } from "./model.ts";

/** `type` of the observer's events. */
export const backgroundEventType = "io.gatehouse.background.v1";

const aspects = ["written", "running"] as const;

/** `data` of a background event: an admission's, and what was before. */
export const backgroundDataSchema = z.extend(admissionDataSchema, {
  /** What was judged: what the workload says, as if it were created again now, or what its Pods run. */
  aspect: z.enum(aspects),
  /** The verdict before this one. */
  was: z.strictObject({ action: z.enum(outcomes), inDenyMode: z.enum(outcomes) }),
});
/** What a background event says. */
export type BackgroundData = z.infer<typeof backgroundDataSchema>;

/** A background event. Its `request` names the observer as user and `BACKGROUND` as operation. */
export const backgroundEventSchema = z.strictObject({
  specversion: z.literal("1.0"),
  type: z.literal(backgroundEventType),
  /** URI reference: `/clusters/NAME/observers/INSTANCE`. */
  source: z.string(),
  id: z.string(),
  time: z.string(),
  /** `namespace/Kind/name`. */
  subject: z.string(),
  datacontenttype: z.literal("application/json"),
  data: backgroundDataSchema,
});
/** The event about a verdict that came out otherwise: a CloudEvent. */
export type BackgroundEvent = z.infer<typeof backgroundEventSchema>;

/** Builds the event about a changed verdict. `key` and `count` as in {@link admissionEvent}. */
export function backgroundEvent(
  input: Omit<EventInput, "request"> & { id: string } & Pick<BackgroundData, "aspect" | "was">,
  key: string,
  count: number,
): BackgroundEvent {
  const { id, aspect, was, ...rest } = input;
  const request = { uid: id, operation: "BACKGROUND", user: "gatehouse-observer", groups: [] };
  const event = admissionEvent({ ...rest, request }, key, count);
  const part = (text: string) => encodeURIComponent(text.toWellFormed());
  return {
    ...event,
    type: backgroundEventType,
    source: `/clusters/${part(input.cluster.name)}/observers/${part(input.instance)}`,
    data: { ...event.data, aspect, was },
  };
}
