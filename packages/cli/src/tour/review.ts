import { randomUUID } from "node:crypto";
import { judgedKinds } from "@gatehouse/policy";

/** An AdmissionReview v1 as the API server would send it. */
export interface Review {
  apiVersion: "admission.k8s.io/v1";
  kind: "AdmissionReview";
  request: Readonly<Record<string, unknown>> & { uid: string };
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

/** A whole review from what a file holds: a review, or its request alone. Sent as it is but for a missing uid. */
export function reviewFrom(value: unknown): Review {
  const request = fieldsOf(fieldsOf(value)["request"] ?? value);
  return wrap({ uid: randomUUID(), ...request });
}

function wrap(request: Review["request"]): Review {
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
