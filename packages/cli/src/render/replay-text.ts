import { impactText, oneLine, type Replayed, type ReplayDifference } from "@gatehouse/policy";

/** Differences that are shown; the counts are of all. */
const shown = 20;

/** What came of a replay, for people. */
export function replayText({ reviews, otherReports, differences, impact }: Replayed): string {
  const head =
    differences.length === 0
      ? `${reviews} reviews: all come out as they were recorded`
      : `${reviews} reviews: ${differences.length} come out otherwise than they were recorded`;
  const more = differences.length - shown;
  return [
    head,
    ...(otherReports === 0
      ? []
      : [`  for ${otherReports} of them the snapshot has other reports than they were judged by, or none`]),
    ...differences.slice(0, shown).map((one) => `  ${differenceText(one)}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
    "",
    impactText(impact),
    "",
  ].join("\n");
}

function differenceText({ at, owner, was, is, rules, otherReports, otherPolicy }: ReplayDifference): string {
  const why = [
    ...(otherReports ? ["other reports"] : []),
    ...(otherPolicy ? ["judged by an earlier policy"] : []),
  ];
  const note = why.length === 0 ? "" : ` (${why.join(", ")})`;
  return oneLine(`${at}  ${was} -> ${is}  ${owner}  ${rules.join(", ")}${note}`, 400);
}
