/** The page of one admission. */
import type { StoredEvent } from "../../events/event-store.ts";
import { imageLink, link } from "../links.ts";
import { readEvent, type ReadEvent } from "../read-event.ts";
import type { Cell, Table } from "../table.ts";
import { moment, plural } from "../words.ts";
import { actionCell } from "./admissions.ts";

/** The page's content. */
export interface AdmissionModel {
  title: string;
  namespace: string;
  action: Cell;
  facts: Table;
  images: Table;
  findings: Table;
  exemptions: Table;
  problems: readonly string[];
}

/** Builds the page of an event; undefined for what cannot be read. */
export function admissionModel(stored: StoredEvent): AdmissionModel | undefined {
  const event = readEvent(stored);
  if (event === undefined) return undefined;
  const { data } = event;
  return {
    title: `${data.object.kind} ${data.object.name}`,
    namespace: stored.namespace,
    action: actionCell(data.action, data.inDenyMode),
    facts: factTable(event, stored),
    images: imageTable(event),
    findings: findingTable(event),
    exemptions: {
      name: "exemptions",
      caption: "Exemptions that were used",
      empty: "None was used.",
      columns: [
        { key: "exemption", label: "Exemption" },
        { key: "days_left", label: "Ended or ends" },
      ],
      rows: data.exemptions.map(({ exemption, daysLeft, emergency }) => [
        emergency === true ? { text: exemption, note: "break-glass" } : exemption,
        daysLeft === undefined ? "never" : `${plural(daysLeft, "day")} left then`,
      ]),
    },
    problems: data.problems,
  };
}

function factTable({ data, source, id }: ReadEvent, stored: StoredEvent): Table {
  const { owner, request } = data;
  const workload = owner.resolved ? `${owner.kind}/${owner.name}` : "";
  const rows: (Cell | string | number)[][] = [
    ["What happened", actionCell(data.action, data.inDenyMode)],
    ["Mode", data.mode],
    ["Last said (UTC)", moment(stored.lastAt)],
    ["First said (UTC)", moment(stored.firstAt)],
    ["Times", stored.count],
    ["Namespace", { text: stored.namespace, href: link("admissions", { namespace: stored.namespace }) }],
    [
      "Workload",
      owner.resolved
        ? { text: workload, href: link("admissions", { namespace: stored.namespace, workload }) }
        : { text: "not resolved", tone: "audit", note: owner.reason },
    ],
    ["Operation", [request.operation, request.subresource].filter((part) => part !== "").join(" ")],
    [
      "User",
      request.user === "" ? "" : { text: request.user, href: link("admissions", { user: request.user }) },
    ],
    ["Groups", request.groups.join(", ")],
    ...(data.aspect === "" ? [] : [["Judged", data.aspect === "written" ? "what is written" : "what runs"]]),
    ...(data.was === undefined ? [] : [["Was", actionCell(data.was.action, data.was.inDenyMode)]]),
    ["Code", data.code],
    ["Policy", data.policyHash],
    ["Said by", source],
    ["Event id", id],
    ["Key", data.key],
    ["Took", data.durationMs === undefined ? "" : `${data.durationMs} ms`],
  ];
  return {
    name: "facts",
    caption: "Facts",
    empty: "",
    columns: [
      { key: "fact", label: "Fact" },
      { key: "value", label: "Value" },
    ],
    rows: rows.filter(([, value]) => value !== ""),
  };
}

function imageTable({ data }: ReadEvent): Table {
  const { images, imageCount } = data;
  const more = imageCount !== undefined && imageCount > images.length;
  return {
    name: "images",
    caption: more ? `Images: ${images.length} of ${imageCount}` : "Images",
    empty: "It could not be told which images it has.",
    columns: [
      { key: "image", label: "Image", kind: "code" },
      { key: "outcome", label: "Rules ask for" },
      { key: "scan", label: "Scan" },
      { key: "rules", label: "Because" },
      { key: "digest", label: "Digest", kind: "code" },
    ],
    rows: images.map((image) => [
      { text: image.reference, href: imageLink(image.reference) },
      image.outcome === undefined || image.outcome === "allow"
        ? { text: "nothing", tone: "allow" }
        : { text: image.outcome, tone: image.outcome },
      {
        text: image.state,
        note: [image.stateReason, image.source, image.scannedAt === "" ? "" : moment(image.scannedAt)]
          .filter((part) => part !== "")
          .join(", "),
      },
      image.rules.map(({ rule, because }) => `${rule}: ${because}`).join("; "),
      image.digest,
    ]),
  };
}

function findingTable({ data }: ReadEvent): Table {
  return {
    name: "findings",
    caption: "Findings that decided",
    empty: "No finding decided.",
    columns: [
      { key: "id", label: "Id" },
      { key: "severity", label: "Severity" },
      { key: "package", label: "Package" },
      { key: "fixed_in", label: "Fixed in" },
      { key: "image", label: "Image", kind: "code" },
    ],
    rows: data.images.flatMap(({ reference, deciding }) =>
      deciding.map(({ id, severity, package: about, version, fixedIn }) => [
        { text: id, href: link("admissions", { cve: id }) },
        severity,
        `${about} ${version}`.trim(),
        fixedIn === undefined ? "no fix known" : fixedIn === "" ? "a version not named" : fixedIn,
        reference,
      ]),
    ),
  };
}
