import { commandCodes } from "./command-codes.ts";
import { messageCodes, type MessageCode, type MessageCodeEntry } from "./message-codes.ts";
import { operatorCodes } from "./operator-codes.ts";

/** A code that a message can carry: of an admission, of the gate's parts, of Pulumi or of the command line. */
export type Code = MessageCode | OperatorCode | CommandCode;

/** Codes for those who run a gate. */
export type OperatorCode = keyof typeof operatorCodes;

/** Codes of the command line. */
export type CommandCode = keyof typeof commandCodes;

/** All codes there are, with their entries, in their order. */
export function allCodes(): Readonly<Record<Code, MessageCodeEntry>> {
  return { ...messageCodes, ...operatorCodes, ...commandCodes };
}

/** A message with its code, at the end of its first line: `… must be mended [GH2001]:`. */
export function withCode(code: Code, message: string): string {
  const [first = "", ...more] = message.split("\n");
  const colon = first.endsWith(":") ? ":" : "";
  const words = first.slice(0, first.length - colon.length);
  return [`${words} [${code}]${colon}`, ...more].join("\n");
}
