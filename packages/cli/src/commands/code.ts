import type { Command } from "commander";
import { allCodes, type Code } from "@gatehouse/policy";
import { exit, UsageError } from "../exit.ts";
import type { Io } from "../io.ts";
import { wrapLines } from "../render/style.ts";

/** Characters of a line. */
const width = 100;

/** Adds `gatehouse code`. `end` takes the exit status. */
export function addCode(program: Command, io: Io, end: (status: number) => void): void {
  program
    .command("code")
    .summary("what a message's code means, and what to do about it")
    .description(
      "Says what a code such as GH1001 means, why it comes and what to do; without one, lists all.",
    )
    .argument("[code]", "as it stands in brackets in a message")
    .action((code: string | undefined) => {
      io.out(code === undefined ? list() : entry(code, io));
      end(exit.admitted);
    });
}

function list(): string {
  return Object.entries(allCodes())
    .map(([code, { title }]) => `${code}  ${title}\n`)
    .join("");
}

/** @throws UsageError when there is no such code */
function entry(given: string, { style }: Io): string {
  const code = given.toUpperCase().replace(/^\[|\]$/g, "");
  const codes = allCodes();
  if (!Object.hasOwn(codes, code))
    throw new UsageError(
      "GH3001",
      `${given}: there is no such code; gatehouse code lists all, and a newer gate may have newer ones`,
    );
  const { title, why, mend } = codes[code as Code];
  return [
    style.bold(`${code}  ${title}`),
    ...wrapLines(`Why: ${why}`, width),
    ...wrapLines(`What to do: ${mend}`, width),
    "",
  ].join("\n");
}
