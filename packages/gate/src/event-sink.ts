/** Where events go beside standard output: the config's part, and what the observer mounts for it. */
import * as pulumi from "@pulumi/pulumi";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { canonicalJson, eventSinkSchema, type EventSinkConfig, type Problem } from "@gatehouse/policy";
import { oneOf, schemaProblems, show } from "./argument-checks.ts";
import type { EventSink, GateArgs } from "./args.ts";
import { inputError } from "./errors.ts";
import { commonLabels } from "./names.ts";
import type { Placement } from "./placement.ts";
import { isPlain } from "./plain.ts";
import { podPaths } from "./pod-paths.ts";

const HEADERS_FILE = "headers.json";
const CA_FILE = "ca.crt";
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/;
/** Headers that belong to the request itself; the observer refuses them too. */
const reserved: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "host",
  "connection",
  "transfer-encoding",
]);

/** All that is wrong with a sink's arguments, as far as they are known. Never quotes a header's value. */
export function eventSinkProblems(sink: GateArgs["eventSink"]): Problem[] {
  const path = "eventSink";
  if (sink === undefined) return [];
  if (typeof sink !== "object" || sink === null)
    return [{ path, problem: `expected { url: "https://…" }, got ${show(sink)}` }];
  return [
    ...(isPlain(sink.url) ? schemaProblems(path, { url: sink.url }, eventSinkSchema) : []),
    ...oneOf(`${path}.format`, sink.format, ["batched", "structured"]),
    ...Object.entries(sink.headers ?? {}).flatMap(([name, value]) => headerProblems(name, value)),
    ...(sink.ca !== undefined && isPlain(sink.ca) && !PEM.test(sink.ca as string)
      ? [{ path: `${path}.ca`, problem: "expected PEM certificates, got none" }]
      : []),
  ];
}

function headerProblems(name: string, value: unknown): Problem[] {
  const path = `eventSink.headers.${name}`;
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || reserved.has(name.toLowerCase()))
    return [{ path, problem: "expected the name of a header that is not the request's own" }];
  if (isPlain(value) && (typeof value !== "string" || !/^[\x20-\x7e]+$/.test(value)))
    return [{ path, problem: "expected a line of printable ASCII, got something else" }];
  return [];
}

/** What the observer is told of a sink: where its files will be, and nothing that is secret. */
export function eventSinkConfig(gate: string, sink: EventSink): pulumi.Output<EventSinkConfig> {
  const url = pulumi.output(sink.url);
  return pulumi.all([url, pulumi.isSecret(url)]).apply(([text, isSecret]) => {
    if (isSecret)
      throw inputError(gate, [
        {
          path: "eventSink.url",
          problem:
            "expected an address that is no secret, since it is written into a ConfigMap, got a secret; put what proves who sends into headers, or mark the address with pulumi.unsecret",
        },
      ]);
    return {
      url: text,
      ...(sink.headers === undefined ? {} : { headersFile: `${podPaths.sink}/${HEADERS_FILE}` }),
      ...(sink.ca === undefined ? {} : { caFile: `${podPaths.sink}/${CA_FILE}` }),
      ...(sink.format === undefined ? {} : { format: sink.format }),
    };
  });
}

/** What of a sink is mounted, under the names that {@link eventSinkConfig} says. */
export interface EventSinkFiles {
  readonly headers: Secret | undefined;
  readonly ca: ConfigMap | undefined;
}

/** Brings a sink's headers and authority into the cluster. Neither changes: another content is another object. */
export function eventSinkFiles(place: Placement, sink: EventSink | undefined): EventSinkFiles {
  const metadata = { namespace: place.namespace, labels: { ...commonLabels } };
  return {
    headers:
      sink?.headers === undefined
        ? undefined
        : new Secret(
            `${place.name}-event-sink`,
            {
              metadata,
              immutable: true,
              stringData: { [HEADERS_FILE]: headersText(sink.headers) },
            },
            place.options,
          ),
    ca:
      sink?.ca === undefined
        ? undefined
        : new ConfigMap(
            `${place.name}-event-sink-ca`,
            { metadata, immutable: true, data: { [CA_FILE]: sink.ca } },
            place.options,
          ),
  };
}

/** Secret whatever the values say of themselves: what proves who sends is nobody else's business. */
function headersText(headers: NonNullable<EventSink["headers"]>): pulumi.Output<string> {
  return pulumi.secret(pulumi.output(headers).apply((all) => canonicalJson(all, "headers")));
}
