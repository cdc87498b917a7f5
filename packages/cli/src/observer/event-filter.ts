import type { AdmissionData } from "@gatehouse/policy";
import type { ShownEvent } from "./read-events.ts";

/** What is asked of an event; an absent field asks nothing. */
export interface EventFilter {
  action?: "denied" | "would-deny" | "audited" | "admitted";
  /** The whole name. */
  namespace?: string;
  /** Parts of these, in any case. */
  workload?: string;
  image?: string;
  user?: string;
  /** The whole id, in any case. */
  cve?: string;
}

/** Data of an event of any version: what is missing matches no filter. */
export function dataOf({ event }: ShownEvent): Partial<AdmissionData> {
  return (event as { data?: Partial<AdmissionData> } | null)?.data ?? {};
}

/** `Kind/name` of the top owner, or of the object where its owner is not known. */
export function workloadOf({ owner, object }: Partial<AdmissionData>): string {
  if (owner?.resolved === true) return `${owner.kind}/${owner.name}`;
  return object === undefined ? "" : `${object.kind}/${object.name}`;
}

/** What happened, in the words of `--action`. */
export function actionOf({
  action,
  inDenyMode,
}: Partial<AdmissionData>): NonNullable<EventFilter["action"]> | "not known" {
  if (action === "deny") return "denied";
  if (inDenyMode === "deny") return "would-deny";
  return action === "audit" ? "audited" : action === "allow" ? "admitted" : "not known";
}

/** Whether an event is asked for. */
export function eventFilter(filter: EventFilter): (shown: ShownEvent) => boolean {
  const { action, namespace, workload, image, user, cve } = filter;
  const has = (text: string | undefined, part: string) =>
    text?.toLowerCase().includes(part.toLowerCase()) === true;
  return (shown) => {
    const data = dataOf(shown);
    const images = data.images ?? [];
    return (
      (action === undefined || actionOf(data) === action) &&
      (namespace === undefined || data.object?.namespace === namespace) &&
      (workload === undefined || has(workloadOf(data), workload)) &&
      (image === undefined ||
        images.some(({ reference, digest }) => has(reference, image) || has(digest, image))) &&
      (user === undefined || has(data.request?.user, user)) &&
      (cve === undefined ||
        images.some(({ deciding }) => deciding.some(({ id }) => id.toUpperCase() === cve.toUpperCase())))
    );
  };
}
