import {
  acknowledgement,
  acknowledgementText,
  impactText,
  oneLine,
  policyHash,
  unacknowledged,
  withCode,
  type Acknowledged,
  type OperatorCode,
  type Regime,
} from "@gatehouse/policy";
import { judgingChange, type Judging, type JudgingChange } from "../judging.ts";
import { EMERGENCY_NAME } from "../names.ts";
import type { ImpactAnswer } from "./ask-impact.ts";
import type { ClusterState } from "./cluster-state.ts";
import { mayDeny, widenings } from "./widenings.ts";

/** What the guard is asked about. */
export interface Proposal {
  /** This Gate as `project/stack/name`. */
  readonly owner: string;
  readonly after: Regime;
  /** What it would judge by; `unknown` in a preview of what is not made yet, undefined when it cannot be read. */
  readonly judging: Judging | "unknown" | undefined;
  /** What may be scheduled again. */
  readonly running: readonly string[];
  /** The first signs. */
  readonly caGenerations: readonly string[];
  /** Whether the resource that asks is new to the stack. */
  readonly first: boolean;
  /** What the last update registered; undefined at the first one, or when only a child is updated. */
  readonly registered:
    | {
        readonly policy: Regime["policy"];
        readonly caGenerations: readonly string[];
        readonly running: readonly string[] | undefined;
      }
    | undefined;
  readonly acknowledged: Acknowledged;
  readonly requireImpact: boolean;
}

/** How the guard learns what it must know. Each may reject: then it is not known. */
export interface Sight {
  cluster(): Promise<ClusterState>;
  hasWorkloads(): Promise<boolean>;
  impact(): Promise<ImpactAnswer>;
}

/** What becomes of an update. */
export type Verdict =
  /** With something to show, or nothing. */
  | { readonly pass: true; readonly warn: boolean; readonly message: string; readonly answer?: ImpactAnswer }
  | {
      readonly pass: false;
      readonly code: OperatorCode;
      /** Holds the code. */
      readonly message: string;
      readonly answer?: ImpactAnswer;
    };

const silent: Verdict = { pass: true, warn: false, message: "" };

/** The update itself asks again, when all is known, before it touches the gate. */
const later: Verdict = {
  pass: true,
  warn: false,
  message: withCode(
    "GH2021",
    "Impact not judged: what the gate judges by is known only in the update, which asks again.",
  ),
};

/**
 * Whether an update may go on: decided before anything of it is touched. What is not known never makes a denial
 * new: a change that might newly deny passes when its impact was judged and acknowledged, or not at all.
 */
export async function judgeProposal(proposal: Proposal, sight: Sight): Promise<Verdict> {
  const signer = proposal.caGenerations[0] ?? "";
  if (proposal.registered !== undefined && !proposal.registered.caGenerations.includes(signer))
    return refuse(
      "GH2013",
      `the certificate authority ${signer} would sign, and the last update did not trust it`,
      `Deploy caGenerations ${JSON.stringify([...proposal.registered.caGenerations, signer])} first, then ${JSON.stringify(proposal.caGenerations)}.`,
    );
  let cluster: ClusterState;
  try {
    cluster = await sight.cluster();
  } catch (error) {
    return withoutAnswer(proposal, undefined, sight, `the cluster does not answer: ${messageOf(error)}`);
  }
  if (!cluster.supported)
    return refuse(
      "GH2014",
      `the cluster runs Kubernetes ${cluster.version}, and the gate needs 1.31 or later`,
      "Upgrade the cluster first.",
    );
  const { gate } = cluster;
  if (proposal.first && gate !== undefined && gate.owner !== proposal.owner)
    return refuse(
      "GH2015",
      `the cluster has a gate already, ${gate.owner === undefined ? "made by something else" : `of Pulumi stack ${gate.owner}`}`,
      "Use that one, or destroy it first: two gates would each answer for all Pods.",
    );
  return remindOf(cluster.emergencies, await judgeChange(proposal, cluster, sight));
}

/** What becomes of a change of what a cluster's gate enforces. */
async function judgeChange(proposal: Proposal, cluster: ClusterState, sight: Sight): Promise<Verdict> {
  const { gate } = cluster;
  const { after } = proposal;
  if (gate === undefined) return withoutAnswer(proposal, undefined, sight, "no gate runs yet");
  const { untold, told } = judgedBy(proposal, gate.judging);
  if (untold.length > 0)
    return withoutImpact(
      proposal,
      sight,
      "the gate in force judges by something else, so that its answer would not hold",
      untold,
    );
  const same = gate.policyHash === policyHash(after.policy) && gate.mode === after.mode;
  if (same && told.length === 0) return proposal.judging === "unknown" && mayDeny(after) ? later : silent;
  const before = inForce(proposal, cluster);
  let answer: ImpactAnswer;
  try {
    answer = await sight.impact();
  } catch (error) {
    return withoutAnswer(proposal, before, sight, `the gate does not answer: ${messageOf(error)}`, told);
  }
  if (answer.policyHash !== gate.policyHash)
    return withoutAnswer(
      proposal,
      before,
      sight,
      "the gate's observer and its judges have different policies",
      told,
    );
  return judgeImpact(proposal, answer);
}

/**
 * Why what it judges by might newly deny. In a preview whose sources are not made yet that is left to the update, which
 * asks again before it touches the gate.
 */
function judgedBy(
  { after, judging, running, registered }: Proposal,
  inForceNow: Judging | undefined,
): JudgingChange {
  if (!mayDeny(after) || judging === "unknown") return { untold: [], told: [] };
  if (judging === undefined)
    return { untold: ["sources, platforms and the like of the new gate cannot be read"], told: [] };
  return judgingChange(inForceNow, judging, { before: registered?.running, after: running });
}

/** Break-glass leaves a line in the next preview. */
function remindOf(emergencies: readonly string[], verdict: Verdict): Verdict {
  if (emergencies.length === 0) return verdict;
  const names = emergencies.map((name) => oneLine(name, 80)).join(", ");
  const line = withCode("GH2022", `Break-glass: ${emergencies.length} in ${EMERGENCY_NAME} (${names}).`);
  const message = verdict.message === "" ? line : `${verdict.message}\n${line}`;
  return verdict.pass ? { ...verdict, warn: true, message } : { ...verdict, message };
}

function judgeImpact({ after, acknowledged }: Proposal, answer: ImpactAnswer): Verdict {
  const { impact } = answer;
  const table = impactText(impact);
  const open = after.mode === "deny" ? unacknowledged(impact, acknowledged) : [];
  if (open.length === 0) return { pass: true, warn: false, message: table, answer };
  const owners = new Set(open.map(({ owner }) => owner)).size;
  return {
    ...refuse(
      "GH2011",
      `this change newly denies ${owners} ${owners === 1 ? "workload" : "workloads"} that nobody acknowledged`,
      [
        "",
        table,
        "",
        "To let it through, write this into the stack's settings, or mend the images first:",
        acknowledgementText(acknowledgement(impact)),
      ].join("\n"),
    ),
    answer,
  };
}

/** A change whose impact nobody can tell: it passes when it cannot deny anything new. */
async function withoutAnswer(
  proposal: Proposal,
  before: Regime | undefined,
  sight: Sight,
  why: string,
  told: readonly string[] = [],
): Promise<Verdict> {
  const reasons = [...widenings(before, proposal.after), ...told];
  if (reasons.length === 0)
    return {
      pass: true,
      warn: false,
      message: withCode("GH2021", `Impact not judged: ${why}. The change denies nothing new.`),
    };
  return withoutImpact(proposal, sight, why, reasons);
}

/** A change that might newly deny, for reasons, and nobody can tell whom. */
async function withoutImpact(
  proposal: Proposal,
  sight: Sight,
  why: string,
  reasons: readonly string[],
): Promise<Verdict> {
  if (!proposal.requireImpact)
    return {
      pass: true,
      warn: true,
      message: withCode(
        "GH2021",
        `Impact not judged: ${why}. It goes on, because requireImpact is false, though ${reasons.join("; ")}.`,
      ),
    };
  if (await isEmpty(sight))
    return {
      pass: true,
      warn: false,
      message: withCode("GH2021", `Impact: none, the cluster has no workloads yet (${why}).`),
    };
  return refuse(
    "GH2012",
    `this change might newly deny, and whom is not known: ${why}`,
    `${reasons.map((reason) => `  ${reason}`).join("\n")}\nWays out: deploy with mode audit first, which shows whom it would hit; or set requireImpact: false for this update.`,
  );
}

async function isEmpty(sight: Sight): Promise<boolean> {
  try {
    return !(await sight.hasWorkloads());
  } catch {
    return false;
  }
}

/** What is in force, when its text is known: the state's policy may be one whose roll-out failed. */
function inForce({ registered }: Proposal, { gate }: ClusterState): Regime | undefined {
  if (registered === undefined || gate === undefined) return undefined;
  if (gate.mode !== "audit" && gate.mode !== "deny") return undefined;
  if (policyHash(registered.policy) !== gate.policyHash) return undefined;
  return { policy: registered.policy, mode: gate.mode };
}

function refuse(code: OperatorCode, message: string, more: string): Verdict & { pass: false } {
  return { pass: false, code, message: withCode(code, `${message}\n${more}`) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
