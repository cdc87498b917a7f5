/** The page "admissions": what was judged, newest first, filtered. */
import type { Outcome } from "@gatehouse/policy";
import type { StoredEvent } from "../../events/event-store.ts";
import { imageLink, link } from "../links.ts";
import { summaryOf, type EventSummary } from "../read-event.ts";
import { pageOf, type Cell, type Table } from "../table.ts";
import { few, moment } from "../words.ts";

/** What somebody may choose for the action. */
export const actionFilters = {
  "": "anything",
  denied: "denied",
  "would-deny": "would be denied in mode deny",
  audited: "audited",
  admitted: "admitted without a word",
} as const;
/** As the query `action` has it; empty for all. */
export type ActionFilter = keyof typeof actionFilters;

/** Filters; an empty one asks nothing. */
export interface AdmissionsQuery {
  action: ActionFilter;
  /** The whole name. */
  namespace: string;
  /** Parts of these, in any case. */
  workload: string;
  image: string;
  user: string;
  /** The whole id, in any case. */
  cve: string;
  page: number;
  whole: boolean;
}

/** Builds the table in steps, between which others may have a turn. */
export function* admissionsTable(
  events: Iterable<StoredEvent>,
  visible: (namespace: string) => boolean,
  query: AdmissionsQuery,
): Generator<void, Table> {
  const found: EventSummary[] = [];
  const fits = matcher(query);
  for (const stored of events) {
    if (!visible(stored.namespace)) continue;
    yield;
    const summary = summaryOf(stored);
    if (summary !== undefined && fits(summary)) found.push(summary);
  }
  const { shown, paging } = pageOf(found, { page: query.page, whole: query.whole, parameter: "page" });
  return {
    name: "admissions",
    caption: "Admissions, newest first",
    empty: "Nothing of that kind was judged lately.",
    columns: [
      { key: "time", label: "Time (UTC)", kind: "time" },
      { key: "action", label: "Action" },
      { key: "namespace", label: "Namespace" },
      { key: "workload", label: "Workload" },
      { key: "image", label: "Image", kind: "code" },
      { key: "reasons", label: "Reasons", kind: "wide" },
      { key: "user", label: "User" },
      { key: "times", label: "Times", kind: "number" },
    ],
    rows: shown.map(rowOf),
    ...(paging === undefined ? {} : { paging }),
  };
}

function rowOf(event: EventSummary): (Cell | string | number)[] {
  const [image, ...others] = event.images;
  return [
    { text: moment(event.lastAt), href: link("admission", { key: event.key }) },
    actionCell(event.action, event.inDenyMode),
    event.namespace === ""
      ? ""
      : { text: event.namespace, href: link("admissions", { namespace: event.namespace }) },
    event.workload,
    image === undefined
      ? { text: "none", tone: "quiet" }
      : {
          text: image,
          href: imageLink(image),
          ...(others.length === 0 ? {} : { note: `and ${others.length} more` }),
        },
    few([...event.rules, ...event.cves], 3),
    event.operation === "BACKGROUND" ? { text: "judged again", tone: "quiet" } : userCell(event.user),
    event.count,
  ];
}

/** Service accounts by their own names: theirs are long, and the beginning is the same for all. */
function userCell(user: string): Cell | string {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  return name === undefined ? user : { text: name, note: `service account in ${namespace ?? ""}` };
}

/** What happened, and what would have in mode deny. */
export function actionCell(action: Outcome | undefined, inDenyMode: Outcome | undefined): Cell {
  if (action === "deny") return { text: "denied", tone: "deny" };
  if (inDenyMode === "deny") return { text: "would be denied", tone: "deny" };
  if (action === "audit") return { text: "audited", tone: "audit" };
  return action === "allow" ? { text: "admitted", tone: "allow" } : { text: "not known", tone: "quiet" };
}

function matcher(query: AdmissionsQuery): (event: EventSummary) => boolean {
  const { action, namespace } = query;
  const workload = query.workload.toLowerCase();
  const image = query.image.toLowerCase();
  const user = query.user.toLowerCase();
  const cve = query.cve.toUpperCase();
  const has = (all: readonly string[], part: string) => all.some((one) => one.toLowerCase().includes(part));
  return (event) =>
    (action === "" || actionOf(event) === action) &&
    (namespace === "" || event.namespace === namespace) &&
    (workload === "" || has([event.workload, event.object], workload)) &&
    (image === "" || has(event.images, image) || has(event.digests, image)) &&
    (user === "" || has([event.user], user)) &&
    (cve === "" || event.cves.some((id) => id.toUpperCase() === cve));
}

function actionOf({ action, inDenyMode }: EventSummary): ActionFilter {
  if (action === "deny") return "denied";
  if (inDenyMode === "deny") return "would-deny";
  return action === "audit" ? "audited" : "admitted";
}
