/** Where else events go, and what of them is kept in the cluster; parts of the gate's configuration. */
import * as z from "zod/mini";

const text = z.string().check(z.minLength(1));

/** HTTPS, or plain HTTP to this host or to a service of the cluster, whose network is the cluster's own. */
function isSinkUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  if (username !== "" || password !== "") return false;
  const near =
    /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname) || /\.svc(\.cluster\.local)?$/.test(hostname);
  return protocol === "https:" || (protocol === "http:" && near);
}

/** A receiver of CloudEvents over HTTP (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md). */
export const eventSinkSchema = z.strictObject({
  url: z
    .string()
    .check(
      z.refine(
        isSinkUrl,
        "an https URL without user or password; http only for localhost and services of the cluster",
      ),
    ),
  /** A mounted file with headers that prove who sends, as a JSON object of name and value. Read again and again. */
  headersFile: z.optional(text),
  /** A mounted file with the authority (PEM) of the receiver's certificate, where it is none of the public ones. */
  caFile: z.optional(text),
  /** `batched`: many events in one request. `structured`: one, for receivers that know no batches. Default `batched`. */
  format: z.optional(z.enum(["batched", "structured"])),
});
/** Where the observer sends events. */
export type EventSinkConfig = z.infer<typeof eventSinkSchema>;

/** What the observer writes into the cluster. */
export const clusterStateSchema = z.strictObject({
  /** One OpenReports or PolicyReport object for each workload, where the cluster serves one of them. Default true. */
  reports: z.optional(z.boolean()),
  /** Kubernetes Events on the owners of what was denied, or of what was audited too. Default `denied`. */
  events: z.optional(z.enum(["none", "denied", "all"])),
});
/** What the observer writes into the cluster. */
export type ClusterStateConfig = z.infer<typeof clusterStateSchema>;
