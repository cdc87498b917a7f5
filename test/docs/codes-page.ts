import { allCodes, type MessageCodeEntry } from "@gatehouse/policy";

/** Entries of the documentation about codes, each with an anchor that stays when its title changes. */
export function entriesOf(codes: Readonly<Record<string, MessageCodeEntry>>): string[] {
  return Object.entries(codes).flatMap(([code, { title, why, mend }]) => [
    `<a id="${code.toLowerCase()}"></a>`,
    "",
    `### ${code}: ${title}`,
    "",
    `**Why.** ${why}`,
    "",
    `**What to do.** ${mend}`,
    "",
  ]);
}

/** The page of all codes but those of a denial, made of the tables in the code. */
export function codesPage(): string {
  const chapter = (...starts: string[]) =>
    entriesOf(
      Object.fromEntries(
        Object.entries(allCodes()).filter(([code]) => starts.some((one) => code.startsWith(one))),
      ),
    );
  return [
    "# Codes of messages",
    "",
    "Each message that asks something of you ends its first line with a code in brackets. `gatehouse code GH2011` prints its entry",
    "without a network; a link to one is `codes.md#gh2011`. A code never changes its meaning.",
    "",
    "| codes | said by | to |",
    "|---|---|---|",
    "| GH10… | the gate, in a denial or warning | whoever deploys: [denied.md](denied.md) |",
    "| GH11… | the gate's own parts, in their logs and last words | whoever runs the gate |",
    "| GH20… | Pulumi: components, guard, the stack's program | whoever runs `pulumi` |",
    "| GH30… | `gatehouse`, and whatever reads the same files | whoever runs it |",
    "| GH31… | `gatehouse doctor` | whoever runs the gate |",
    "",
    "## The gate's parts",
    "",
    ...chapter("GH11"),
    "## Pulumi",
    "",
    ...chapter("GH2"),
    "## The command line",
    "",
    ...chapter("GH3"),
  ]
    .join("\n")
    .replace(/\n{2,}$/, "\n");
}
