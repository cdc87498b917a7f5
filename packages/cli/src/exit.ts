import { withCode, type CommandCode } from "@gatehouse/policy";

/** How a command ends. */
export const exit = {
  /** Everything would be admitted, and nothing was left open. */
  admitted: 0,
  denied: 1,
  /** Nothing would be denied, but something could not be told: unscanned, not looked up, or an attribute not known. */
  couldNotTell: 2,
  /** The command was not understood, or its input cannot be read. */
  usage: 3,
} as const;

/** An error that the user can mend; its message, which ends in its code, is all that is shown. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code: CommandCode;

  constructor(code: CommandCode, message: string, options?: ErrorOptions) {
    super(withCode(code, message), options);
    this.code = code;
  }
}
