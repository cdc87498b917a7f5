/** The latest events, each thing that is said once, with how often it was said. */
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import * as z from "zod/mini";

/** What is read of an event; the rest is kept as it came, since judges of another version may say more. */
const envelopeSchema = z.looseObject({
  specversion: z.literal("1.0"),
  type: z.string().check(z.startsWith("io.gatehouse."), z.maxLength(100)),
  source: z.string().check(z.minLength(1), z.maxLength(1000)),
  id: z.string().check(z.minLength(1), z.maxLength(300)),
  time: z.string().check(z.maxLength(40)),
  data: z.looseObject({
    object: z.looseObject({ namespace: z.string().check(z.maxLength(300)) }),
    key: z.string().check(z.minLength(1), z.maxLength(100)),
    count: z.int().check(z.positive()),
  }),
});

/** An event as it is shown. */
export interface StoredEvent {
  /** Grows with every change. An event that is said again moves to the end. */
  readonly position: number;
  readonly namespace: string;
  /** How often it was said, by all judges; doubled and repeated requests once. */
  readonly count: number;
  /** When it was said first and last, in RFC 3339. */
  readonly firstAt: string;
  readonly lastAt: string;
  /** The last one said, as JSON text. */
  readonly text: string;
}

/** What became of events that were handed in. */
export interface Received {
  stored: number;
  /** Were known already: sent again by a judge that had no answer. */
  repeated: number;
  /** One line for each that is no event. */
  problems: readonly string[];
}

/** The observer's events, bounded in number and bytes: the oldest go first. */
export interface EventStore {
  /** Takes events, as parsed from JSON. */
  receive(events: readonly unknown[]): Received;
  /** Events after a position, oldest first; at most `limit`. */
  after(position: number, limit: number, visible?: (namespace: string) => boolean): StoredEvent[];
  /** The same from the end: the newest first. */
  latest(): IterableIterator<StoredEvent>;
  /** The event of a key. */
  find(key: string): StoredEvent | undefined;
  /** Position of the newest; 0 without any. */
  readonly position: number;
  /** Whether an event after a position was forgotten that somebody could have seen. */
  forgottenSince(position: number, visible?: (namespace: string) => boolean): boolean;
  readonly size: number;
  readonly bytes: number;
  /** Calls back after each change, until the returned function is called. */
  subscribe(listener: () => void): () => void;
}

/** How often one source has said a key. A source counts from 1 again when it is restarted. */
interface Said {
  before: number;
  current: number;
}

interface Entry {
  shown: StoredEvent;
  sources: Map<string, Said>;
  /** Said by two judges about one request: counted by both. */
  doubled: number;
}

/** Requests remembered against doubles. */
const rememberedRequests = 50_000;
/** Namespaces of which it is remembered apart until when their events were forgotten. */
const rememberedNamespaces = 5_000;
/** Judges whose counts are kept apart for one key; those of older ones are added up. */
const countedSources = 8;

/** An empty store. */
export function createEventStore(
  options: {
    maxEvents?: number;
    maxBytes?: number;
    dropped?: () => void;
    /** Told of each event that was not known, as it is kept. */
    taken?: (event: StoredEvent) => void;
  } = {},
): EventStore {
  const { maxEvents = 10_000, maxBytes = 32 * 1024 * 1024 } = options;
  // In the order of their positions, since an event that is said again is put at the end.
  const entries = new Map<string, Entry>();
  const requests = new LRUCache<string, string>({ max: rememberedRequests });
  const listeners = new Set<() => void>();
  /** Position of the newest that was forgotten, by namespace, the longest ago first. */
  const forgotten = new Map<string, number>();
  let forgottenAnywhere = 0;
  let position = 0;
  let bytes = 0;

  function take(event: z.infer<typeof envelopeSchema>): boolean {
    const { data, source, id, time, type } = event;
    // Hashed: a text put together would hold all that it was put together from.
    const request = hash("sha256", `${type} ${id} ${data.key}`, "base64");
    const saidBy = requests.get(request);
    if (saidBy === source) return false;
    requests.set(request, source);
    const known = entries.get(data.key);
    const entry: Entry = known ?? { shown: nothing, sources: new Map(), doubled: 0 };
    if (saidBy !== undefined) entry.doubled += 1;
    countFor(entry, source, data.count);
    const text = JSON.stringify(event);
    bytes += text.length - entry.shown.text.length;
    entry.shown = {
      position: ++position,
      namespace: data.object.namespace,
      count: Math.max(1, total(entry)),
      firstAt: known?.shown.firstAt ?? time,
      lastAt: time,
      text,
    };
    entries.delete(data.key);
    entries.set(data.key, entry);
    trim();
    options.taken?.(entry.shown);
    return true;
  }

  function trim(): void {
    for (const [key, { shown }] of entries) {
      if (entries.size <= maxEvents && bytes <= maxBytes) return;
      entries.delete(key);
      bytes -= shown.text.length;
      forget(shown);
      options.dropped?.();
    }
  }

  function forget({ namespace, position: at }: StoredEvent): void {
    forgotten.delete(namespace);
    forgotten.set(namespace, at);
    const [oldest] = forgotten;
    if (forgotten.size <= rememberedNamespaces || oldest === undefined) return;
    // Of so many namespaces, those that were quiet longest are no longer told apart: their readers may miss something.
    forgotten.delete(oldest[0]);
    forgottenAnywhere = oldest[1];
  }

  return {
    receive(events) {
      const problems: string[] = [];
      let stored = 0;
      let repeated = 0;
      for (const [index, event] of events.entries()) {
        const parsed = envelopeSchema.safeParse(event);
        if (parsed.success) {
          if (take(parsed.data)) stored++;
          else repeated++;
        } else {
          const [issue] = parsed.error.issues;
          problems.push(
            `[${index}].${issue?.path.map(String).join(".") ?? ""}: ${issue?.message ?? "not an event"}`,
          );
        }
      }
      if (stored > 0) for (const listener of listeners) listener();
      return { stored, repeated, problems };
    },
    after(from, limit, visible = () => true) {
      const found: StoredEvent[] = [];
      if (from >= position) return found;
      for (const { shown } of entries.values()) {
        if (shown.position <= from || !visible(shown.namespace)) continue;
        found.push(shown);
        if (found.length === limit) break;
      }
      return found;
    },
    *latest() {
      for (const { shown } of [...entries.values()].reverse()) yield shown;
    },
    find: (key) => entries.get(key)?.shown,
    get position() {
      return position;
    },
    forgottenSince: (from, visible = () => true) =>
      from < forgottenAnywhere || [...forgotten].some(([namespace, at]) => from < at && visible(namespace)),
    get size() {
      return entries.size;
    },
    get bytes() {
      return bytes;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const nothing: StoredEvent = { position: 0, namespace: "", count: 0, firstAt: "", lastAt: "", text: "" };

function countFor(entry: Entry, source: string, count: number): void {
  const said = entry.sources.get(source) ?? { before: 0, current: 0 };
  if (count <= said.current) said.before += said.current;
  said.current = count;
  entry.sources.delete(source);
  entry.sources.set(source, said);
  if (entry.sources.size <= countedSources) return;
  const [oldest, next] = [...entry.sources.keys()];
  const old = entry.sources.get(oldest ?? "");
  const heir = entry.sources.get(next ?? "");
  if (old !== undefined && heir !== undefined) heir.before += old.before + old.current;
  entry.sources.delete(oldest ?? "");
}

function total({ sources, doubled }: Entry): number {
  let sum = -doubled;
  for (const { before, current } of sources.values()) sum += before + current;
  return sum;
}
