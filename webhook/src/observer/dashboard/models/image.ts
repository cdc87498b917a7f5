/** The page of an image: its reports, what each rule and exemption makes of it, what would change that, where it runs. */
import { applyMode, decide, whatWouldChange, type Mode } from "@gatehouse/policy";
import type { Background, JudgedWorkload } from "../../background.ts";
import type { Regime } from "../survey.ts";
import type { Cell, Table } from "../table.ts";
import { outcomeCell } from "../words.ts";
import { changeLines } from "./image-changes.ts";
import { imagePlaces, placeTable } from "./image-places.ts";
import { exemptionTable, findingTable, reportTable, ruleTable } from "./image-tables.ts";

/** What the page is asked for. */
export interface ImageQuery {
  reference: string;
  /** Workload for which it is judged; the worst off when empty. */
  owner: string;
  page: number;
  whole: boolean;
}

/** The page's content. */
export interface ImageModel {
  reference: string;
  digest: string | undefined;
  mode: Mode;
  /** Workload for which it was judged here. */
  owner: string;
  verdict: Cell;
  reports: Table;
  findings: Table;
  rules: Table;
  exemptions: Table;
  changes: readonly string[];
  places: Table;
}

/**
 * Builds the page from the workloads that the viewer may see. Undefined when none of them has the image: whether
 * another has is not told.
 */
export function imageModel(
  workloads: Iterable<JudgedWorkload>,
  background: Pick<Background, "scan">,
  regime: Regime,
  query: ImageQuery,
  now: number,
): ImageModel | undefined {
  const places = imagePlaces(workloads, background, regime, query.reference, now);
  const at = places.find(({ one }) => one.subjects.owner === query.owner) ?? places[0];
  if (at === undefined) return undefined;
  const { policy, mode } = regime;
  const { scan, decision, subject } = at;
  const scans = new Map([[at.reference, scan]]);
  const ruling = applyMode(decide(policy, subject, scans, now), mode);
  const counted = new Set(
    decision?.rules.flatMap(({ outcome, findings }) => (outcome === "allow" ? [] : findings)),
  );
  return {
    reference: query.reference,
    digest: scan.digest,
    mode,
    owner: at.one.subjects.owner,
    verdict: outcomeCell(at.outcome, mode),
    reports: reportTable(scan, now),
    findings: findingTable(scan, counted, decision, query),
    rules: ruleTable(decision, policy, mode),
    exemptions: exemptionTable(ruling.exemptions, policy),
    changes: changeLines(whatWouldChange(policy, subject, scans, now), policy, at.outcome, mode),
    places: placeTable(places, query.reference, mode),
  };
}
