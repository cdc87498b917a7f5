import type { Mode, Policy } from "@gatehouse/policy";
import type { ManifestProblem } from "../input/manifests.ts";
import type { Judged } from "../judge.ts";

/** Everything that `gatehouse check` has to say, as data. */
export interface Checked {
  judged: readonly Judged[];
  /** Documents that are no objects. */
  problems: readonly ManifestProblem[];
  policy: Policy;
  policyHash: string;
  mode: Mode;
  /** Milliseconds since 1970. */
  now: number;
}
