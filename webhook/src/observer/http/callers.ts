/** Who calls, and what of each namespace they may see: the way into every route that is not open to all. */
import type { Context } from "hono";
import type { UserInfo } from "@gatehouse/kube";
import type { Background } from "../background.ts";
import type { EventStore } from "../events/event-store.ts";
import { tokenHeader, type Access, type Right, type Visible } from "./access.ts";
import { refusal } from "./answers.ts";

/** What somebody may see. */
export interface Sight {
  /** Whether something of a namespace may be in an answer. */
  readonly see: (namespace: string) => boolean;
  /** Everything, whatever namespace it is of or of none. */
  readonly all: boolean;
}

/** Answers somebody who may see something. */
export type Handler = (c: Context, sight: Sight) => Response | Promise<Response>;

/** Who calls by the header of a request. A refusal is the answer itself, to be returned as it is. */
export interface Callers {
  /** Whose token a request carries, or the refusal. */
  identify(c: Context): Promise<UserInfo | Response>;
  /** Somebody's right over the namespaces that there are, or over the one that `?namespace=` names. */
  sight(c: Context, user: UserInfo, right: Right): Promise<Sight | Response>;
  /** Lets in who has the right, with what they may see. */
  guarded(right: Right, handle: Handler): (c: Context) => Promise<Response>;
}

/** Callers by the API server's word. */
export function createCallers(options: {
  access: Access;
  background: () => Pick<Background, "values"> | undefined;
  events: Pick<EventStore, "latest">;
}): Callers {
  const { access } = options;

  function allNamespaces(): Set<string> {
    const names = new Set<string>();
    for (const { subjects } of options.background()?.values() ?? []) names.add(subjects.namespace);
    for (const { namespace } of options.events.latest()) names.add(namespace);
    return names;
  }

  async function identify(c: Context): Promise<UserInfo | Response> {
    const who = await access.identify(c.req.header(tokenHeader));
    return "refused" in who ? refusal(who.refused.status, who.refused.error, who.refused.message) : who.user;
  }

  async function sight(c: Context, user: UserInfo, right: Right): Promise<Sight | Response> {
    const only = c.req.query("namespace");
    const found = await access.visibleNamespaces(user, right, only === undefined ? allNamespaces() : [only]);
    return "refused" in found
      ? refusal(found.refused.status, found.refused.error, found.refused.message)
      : sightOf(found.visible, only);
  }

  return {
    identify,
    sight,
    guarded: (right, handle) => async (c) => {
      const user = await identify(c);
      if (user instanceof Response) return user;
      const seen = await sight(c, user, right);
      return seen instanceof Response ? seen : await handle(c, seen);
    },
  };
}

function sightOf(visible: Visible, only: string | undefined): Sight {
  return {
    see: (namespace) =>
      (only === undefined || namespace === only) && (visible === "all" || visible.has(namespace)),
    all: only === undefined && visible === "all",
  };
}
