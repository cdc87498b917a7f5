/**
 * Reads an event for the dashboard. Judges of another version may say more or less than this one knows, so that what
 * is missing or of another form is taken as not said.
 */
import * as z from "zod/mini";
import { outcomes } from "@gatehouse/policy";
import type { StoredEvent } from "../events/event-store.ts";

/** What is not of the form that is known is taken as not said. */
const orElse = z.catch;
const text = orElse(z.string(), "");
const number = orElse(z.optional(z.number()), undefined);
const outcome = orElse(z.optional(z.enum(outcomes)), undefined);
const list = <T extends z.ZodMiniType>(of: T) => orElse(z.array(of), []);

const imageSchema = z.looseObject({
  reference: text,
  digest: text,
  state: text,
  stateReason: text,
  source: text,
  trust: text,
  scannedAt: text,
  outcome,
  findingCount: number,
  decidingCount: number,
  deciding: list(
    z.looseObject({
      id: text,
      severity: text,
      package: text,
      version: text,
      fixedIn: orElse(z.optional(z.string()), undefined),
    }),
  ),
  rules: list(z.looseObject({ rule: text, outcome, code: text, because: text })),
});

const eventSchema = z.looseObject({
  type: text,
  source: text,
  id: text,
  data: z.looseObject({
    key: text,
    request: orElse(
      z.looseObject({ uid: text, operation: text, subresource: text, user: text, groups: list(z.string()) }),
      { uid: "", operation: "", subresource: "", user: "", groups: [] },
    ),
    object: orElse(z.looseObject({ kind: text, namespace: text, name: text }), {
      kind: "",
      namespace: "",
      name: "",
    }),
    owner: orElse(
      z.looseObject({
        resolved: orElse(z.boolean(), false),
        kind: text,
        name: text,
        uid: text,
        reason: text,
      }),
      { resolved: false, kind: "", name: "", uid: "", reason: "" },
    ),
    mode: text,
    action: outcome,
    inDenyMode: outcome,
    code: text,
    policyHash: text,
    imageCount: number,
    images: list(imageSchema),
    exemptions: list(
      z.looseObject({
        exemption: text,
        daysLeft: number,
        emergency: orElse(z.optional(z.boolean()), undefined),
      }),
    ),
    problems: list(z.string()),
    durationMs: number,
    aspect: text,
    was: orElse(z.optional(z.looseObject({ action: outcome, inDenyMode: outcome })), undefined),
  }),
});

/** An event as far as it is understood. */
export type ReadEvent = z.infer<typeof eventSchema>;

/** Reads one; undefined for what is no event at all. */
export function readEvent({ text }: Pick<StoredEvent, "text">): ReadEvent | undefined {
  const parsed = eventSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}

/** What lists and filters need of an event. */
export interface EventSummary {
  readonly key: string;
  readonly lastAt: string;
  readonly count: number;
  readonly namespace: string;
  /** `Kind/name` of the top owner, or of the object where its owner is not known. */
  readonly workload: string;
  readonly object: string;
  readonly operation: string;
  readonly user: string;
  readonly action: "allow" | "audit" | "deny" | undefined;
  readonly inDenyMode: "allow" | "audit" | "deny" | undefined;
  readonly code: string;
  readonly images: readonly string[];
  readonly digests: readonly string[];
  readonly cves: readonly string[];
  readonly rules: readonly string[];
  readonly exemptions: readonly string[];
}

const summaries = new WeakMap<StoredEvent, EventSummary>();

/** What lists need of it; read once for each event that is kept. */
export function summaryOf(stored: StoredEvent): EventSummary | undefined {
  const known = summaries.get(stored);
  if (known !== undefined) return known;
  const event = readEvent(stored);
  if (event === undefined) return undefined;
  const { data } = event;
  const { owner, object, images } = data;
  const asking = images.filter((image) => image.outcome !== "allow");
  const summary: EventSummary = {
    key: data.key,
    lastAt: stored.lastAt,
    count: stored.count,
    namespace: stored.namespace,
    workload: owner.resolved ? `${owner.kind}/${owner.name}` : `${object.kind}/${object.name}`,
    object: `${object.kind}/${object.name}`,
    operation: data.request.operation,
    user: data.request.user,
    action: data.action,
    inDenyMode: data.inDenyMode,
    code: data.code,
    images: images.map(({ reference }) => reference),
    digests: images.map(({ digest }) => digest),
    cves: [...new Set(asking.flatMap(({ deciding }) => deciding.map(({ id }) => id)))],
    rules: [...new Set(asking.flatMap(({ rules }) => rules.map(({ rule }) => rule)))],
    exemptions: data.exemptions.map(({ exemption }) => exemption),
  };
  summaries.set(stored, summary);
  return summary;
}
