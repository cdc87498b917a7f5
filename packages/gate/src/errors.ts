import * as pulumi from "@pulumi/pulumi";
import { listProblems, type Problem } from "@gatehouse/policy";

/**
 * The error that a Gate throws for its arguments: all that is wrong, in one. Pulumi prints it under Diagnostics
 * without a stack, since the place to look at is the argument and not our code.
 */
export function inputError(gate: string, problems: readonly Problem[]): pulumi.ResourceError {
  const count = problems.length === 1 ? "an argument" : `${problems.length} arguments`;
  return new pulumi.ResourceError(
    `Gate ${JSON.stringify(gate)} cannot be built, ${count} must be mended:\n${listProblems(problems)}`,
    undefined,
    true,
  );
}
