/** Who has signed in. Kept in memory alone: a new process asks again. */
import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";

/** Longest that a session lasts, in milliseconds. Its token may end sooner, and is asked about all the time. */
export const sessionMs = 60 * 60_000;
const mostSessions = 1_000;

/** A session. */
export interface Session {
  readonly token: string;
  /** Goes with each form that changes something. */
  readonly csrf: string;
}

/** The sessions of this process, by the id that the cookie carries. */
export interface Sessions {
  /** Begins one and gives its id, for the cookie. */
  begin(token: string): string;
  /** Undefined for one that is not known, has ended, or was pushed out by newer ones. */
  find(id: string | undefined): Session | undefined;
  end(id: string | undefined): void;
  /** Whether a form came from a page of this session. */
  sent(session: Session, csrf: string | null): boolean;
}

/** No session yet. Ids are kept as their hashes. */
export function createSessions(options: { now: () => number }): Sessions {
  const sessions = new LRUCache<string, Session>({
    max: mostSessions,
    ttl: sessionMs,
    perf: { now: options.now },
  });
  const keyOf = (id: string) => hash("sha256", id);
  return {
    begin(token) {
      const id = randomBytes(32).toString("base64url");
      sessions.set(keyOf(id), { token, csrf: randomBytes(32).toString("base64url") });
      return id;
    },
    find: (id) => (id === undefined || id.length > 100 ? undefined : sessions.get(keyOf(id))),
    end: (id) => void (id === undefined ? undefined : sessions.delete(keyOf(id))),
    sent(session, csrf) {
      const given = Buffer.from(hash("sha256", csrf ?? ""));
      return timingSafeEqual(given, Buffer.from(hash("sha256", session.csrf)));
    },
  };
}
