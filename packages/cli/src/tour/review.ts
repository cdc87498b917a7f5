import { randomUUID } from "node:crypto";
import { judgedKinds } from "@gatehouse/policy";

/** An AdmissionReview v1 as the API server would send it, or as someone else would. */
export interface Review {
  apiVersion: "admission.k8s.io/v1";
  kind: "AdmissionReview";
  request: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

/** The review of creating an object. Fields that the object does not have are left to the judge to complain of. */
export function reviewOf(object: unknown, user = "dev@example.com"): Review {
  const { apiVersion, kind, metadata } = fieldsOf(object);
  const [first = "", second] = typeof apiVersion === "string" ? apiVersion.split("/") : [];
  const group = second === undefined ? "" : first;
  const version = second ?? first;
  const known = judgedKinds.find((one) => one.kind === kind && one.apiGroup === group);
  const { name, namespace } = fieldsOf(metadata);
  const gvk = { group, version, kind: typeof kind === "string" ? kind : "" };
  return wrap({
    uid: randomUUID(),
    kind: gvk,
    resource: { group, version, resource: known?.plural ?? `${gvk.kind.toLowerCase()}s` },
    ...(typeof name === "string" ? { name } : {}),
    namespace: typeof namespace === "string" ? namespace : "default",
    operation: "CREATE",
    userInfo: { username: user, groups: ["system:authenticated"] },
    object,
    oldObject: null,
    dryRun: false,
    options: null,
  });
}

/**
 * A review from what a file holds. A whole one is sent as it is, whatever is wrong with it; of a request alone, what
 * every request has and this one does not say is filled in.
 */
export function reviewFrom(value: unknown): Review {
  if (Object.hasOwn(fieldsOf(value), "request")) return value as Review;
  const blank = { uid: randomUUID(), userInfo: {}, object: null, oldObject: null };
  return wrap({ ...blank, ...fieldsOf(value) });
}

function wrap(request: Review["request"]): Review {
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
