/** Kubernetes Events on the owners of what was denied: what `kubectl describe` and `kubectl get events` show. */
import { LRUCache } from "lru-cache";
import { resources, type Kube } from "@gatehouse/kube";
import { judgedKinds, oneLine } from "@gatehouse/policy";
import type { Log } from "../../judge/log.ts";
import type { StoredEvent } from "../events/event-store.ts";
import { readEvent, type ReadEvent } from "../dashboard/read-event.ts";

/** Turns the gate's events into Kubernetes Events, within limits that spare the API server. */
export interface KubeEvents {
  /** Takes an event that the observer has got. Never throws, never waits. */
  taken(event: StoredEvent): void;
  /** How it fares, in a sentence. */
  state(): { well: boolean; detail: string };
}

/** The same thing is said again after this time at the earliest, in milliseconds. */
const sameAgainMs = 10 * 60_000;
/** Most at once, and one more each second. */
const burst = 20;
const perMs = 1 / 1000;
const mostUnderWay = 4;
const noteLength = 1000;

/** Writes Events of denials, or of audits too. What is beyond the limits is left out: the gate's own events have all. */
export function createKubeEvents(options: {
  kube: Pick<Kube, "create">;
  which: "denied" | "all";
  instance: string;
  log: Log;
  now: () => number;
}): KubeEvents {
  const { kube, which, now } = options;
  const said = new LRUCache<string, true>({ max: 5_000, ttl: sameAgainMs, perf: { now } });
  let tokens = burst;
  let filledAt = now();
  let underWay = 0;
  let written = 0;
  let leftOut = 0;
  let problem: string | undefined;

  function allowed(): boolean {
    tokens = Math.min(burst, tokens + Math.max(0, now() - filledAt) * perMs);
    filledAt = now();
    if (tokens < 1 || underWay >= mostUnderWay) return false;
    tokens -= 1;
    return true;
  }

  async function write(event: ReadEvent): Promise<void> {
    underWay++;
    try {
      await kube.create(resources.events, eventObject(event, options.instance, now()));
      written++;
      problem = undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (problem === undefined) options.log("warn", "Kubernetes Events cannot be written", { error });
      problem = why;
    } finally {
      underWay--;
    }
  }

  return {
    taken(stored) {
      const event = readEvent(stored);
      if (event === undefined || event.type !== "io.gatehouse.admission.v1") return;
      const { action, key } = event.data;
      const wanted = action === "deny" || (which === "all" && action === "audit");
      if (!wanted || said.has(key)) return;
      if (!allowed()) {
        leftOut++;
        return;
      }
      said.set(key, true);
      void write(event);
    },
    state: () => ({
      well: problem === undefined,
      detail: problem ?? `${written} written, ${leftOut} left out by the limit`,
    }),
  };
}

/** The Event (events.k8s.io/v1) about the top owner, or about the object where its owner is not known. */
function eventObject({ data }: ReadEvent, instance: string, now: number) {
  const { owner, object, request, images, action, code } = data;
  const about = owner.resolved && owner.name !== "" ? owner : { ...object, uid: "" };
  const known = judgedKinds.find(({ kind }) => kind === about.kind);
  const reasons = images
    .filter((image) => image.outcome === "deny" || action !== "deny")
    .flatMap((image) =>
      image.rules
        .filter(({ outcome }) => outcome !== "allow")
        .map(({ rule, because }) => `${image.reference}: ${rule}: ${because}`),
    );
  const what = `${request.operation} ${object.kind} ${object.name} by ${request.user}`;
  const said = action === "deny" ? "denied" : "audited";
  return {
    metadata: {
      // Names of Events are unique by time, as those of the cluster's own recorders are.
      name: `gatehouse-${data.key.slice(0, 16)}.${now.toString(16)}`,
      namespace: object.namespace,
      labels: { "app.kubernetes.io/managed-by": "gatehouse" },
    },
    eventTime: `${new Date(now).toISOString().slice(0, -1)}000Z`,
    reportingController: "gatehouse.dev/gate",
    reportingInstance: oneLine(instance, 128),
    action: "Admit",
    reason: action === "deny" ? "ImageDenied" : "ImageAudited",
    type: "Warning",
    regarding: {
      ...(known === undefined
        ? {}
        : { apiVersion: known.apiGroup === "" ? known.version : `${known.apiGroup}/${known.version}` }),
      kind: about.kind,
      namespace: object.namespace,
      name: about.name,
      ...(about.uid === "" ? {} : { uid: about.uid }),
    },
    note: oneLine(`${what} ${said} [${code}]. ${reasons.join("; ")}`, noteLength),
  };
}
