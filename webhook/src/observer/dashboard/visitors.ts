/** Who looks at a page, and what of it they may see. */
import { hash, randomBytes } from "node:crypto";
import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import type { UserInfo } from "@gatehouse/kube";
import type { EventStore } from "../events/event-store.ts";
import { tokenHeader, type Access, type Refused, type Right } from "../http/access.ts";
import type { Background } from "../background.ts";
import type { Session, Sessions } from "./sessions.ts";

/** Name of the cookie, without its prefix `__Host-`. */
export const cookieName = "gatehouse";

/** The rights that pages ask for. */
export const inventoryRight: Right = { verb: "get", resource: "inventory" };
/** Apart from the inventory's, since events name who asked for what. */
export const eventsRight: Right = { verb: "get", resource: "events" };

/** Somebody who has proved who they are. */
export interface Visitor {
  readonly user: UserInfo;
  /** Absent for those whose requests carry the token themselves. */
  readonly session: Session | undefined;
}

/** What somebody may see. */
export interface Sight {
  readonly see: (namespace: string) => boolean;
  /** Everything, not only some namespaces. */
  readonly all: boolean;
}

/** The way into every page. */
export interface Visitors {
  /** Who asks: by the header, else by the cookie. Undefined when neither is there. */
  identify(c: Context): Promise<Visitor | { refused: Refused } | undefined>;
  sight(user: UserInfo, right: Right): Promise<Sight | { refused: Refused }>;
  /** Stands for the newest event that they may see, without telling how many there are of others. */
  mark(position: number): string;
  /** Position of that event. */
  newest(see: Sight["see"]): number;
}

/** Visitors by the observer's own access. */
export function createVisitors(options: {
  access: Access;
  sessions: Sessions;
  background: () => Pick<Background, "values"> | undefined;
  events: EventStore;
}): Visitors {
  const { access, sessions, events } = options;
  const salt = randomBytes(32).toString("hex");

  function namespaces(): Set<string> {
    const names = new Set<string>();
    for (const { subjects } of options.background()?.values() ?? []) names.add(subjects.namespace);
    for (const { namespace } of events.latest()) names.add(namespace);
    return names;
  }

  return {
    async identify(c) {
      const header = c.req.header(tokenHeader);
      const session = header === undefined ? sessions.find(getCookie(c, cookieName, "host")) : undefined;
      if (header === undefined && session === undefined) return undefined;
      const who = await access.identify(header ?? session?.token);
      return "refused" in who ? who : { user: who.user, session };
    },
    async sight(user, right) {
      const found = await access.visibleNamespaces(user, right, namespaces());
      if ("refused" in found) return found;
      const { visible } = found;
      return {
        see: (namespace) => visible === "all" || visible.has(namespace),
        all: visible === "all",
      };
    },
    mark: (position) => hash("sha256", `${salt} ${position}`, "hex").slice(0, 24),
    newest(see) {
      for (const { namespace, position } of events.latest()) if (see(namespace)) return position;
      return 0;
    },
  };
}
