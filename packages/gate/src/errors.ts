import * as pulumi from "@pulumi/pulumi";
import { listProblems, withCode, type Problem } from "@gatehouse/policy";

/**
 * The error that a component throws for its arguments: all that is wrong, in one. Pulumi prints it under Diagnostics
 * without a stack, since the place to look at is the argument and not our code.
 *
 * @param kind the component's class, such as `EcrScanning`
 * @param name its logical name
 */
export function argumentError(
  kind: string,
  name: string,
  problems: readonly Problem[],
): pulumi.ResourceError {
  const count = problems.length === 1 ? "an argument" : `${problems.length} arguments`;
  const message = withCode(
    "GH2001",
    `${kind} ${JSON.stringify(name)} cannot be built, ${count} must be mended:\n${listProblems(problems)}`,
  );
  const error = new pulumi.ResourceError(message, undefined, true);
  // Thrown in an Output that is the argument of an invoke, Pulumi would print its stack all the same.
  error.stack = message;
  return error;
}

/** {@link argumentError} of a Gate. */
export function inputError(gate: string, problems: readonly Problem[]): pulumi.ResourceError {
  return argumentError("Gate", gate, problems);
}
