import * as pulumi from "@pulumi/pulumi";
import { withCode, type Policy } from "@gatehouse/policy";
import type { JudgingInput } from "../judging.ts";
import { GATE_TYPE } from "../names.ts";
import type { PlainInputs } from "../registered.ts";
import type { GateSettings } from "../settings.ts";
import { askImpact } from "./ask-impact.ts";
import { hasWorkloads, readClusterState } from "./cluster-state.ts";
import type { Connection } from "./connection.ts";
import { whyNotReady } from "./explain-failure.ts";
import { writeReport } from "./report.ts";
import { judgeProposal, type Proposal, type Sight, type Verdict } from "./verdict.ts";

/** Longest that judging an impact may take, in milliseconds. */
const IMPACT_MS = 120_000;

/** What the guard of one Gate is made of. */
export interface GuardOptions {
  /** The Gate's name in the stack: with project and stack, the owner that is compared with the cluster's. */
  readonly name: string;
  readonly settings: GateSettings;
  readonly inputs: PlainInputs;
  readonly connection: Connection;
  /** What verdicts depend on beside policy and mode; not known in a preview of what is still to be made. */
  readonly judging: Pick<JudgingInput, "known">;
}

/** What a hook is told, as far as the guard looks. */
export type GuardedChange = Pick<pulumi.ResourceHookArgs, "urn" | "type" | "newInputs" | "oldInputs">;

/** How the guard shows what it found. */
export type Show = (severity: "info" | "warn", message: string, urn: string) => Promise<void>;

/**
 * The guard as a function: it resolves when the change may go on and throws when it may not, before any child of the
 * Gate was touched. One verdict for a run, however many resources ask.
 */
export function guard(options: GuardOptions, show: Show): (change: GuardedChange) => Promise<void> {
  let verdict: Promise<Verdict> | undefined;
  return async (change) => {
    const ofGate = change.type === GATE_TYPE;
    if (ofGate && pulumi.containsUnknowns(change.newInputs?.["connection"])) {
      await show(
        "info",
        withCode("GH2021", "Impact not judged: the cluster does not exist yet."),
        change.urn,
      );
      verdict = Promise.resolve({ pass: true, warn: false, message: "" });
      return;
    }
    const asked = verdict !== undefined;
    verdict ??= judgeAndReport(options, {
      first: change.oldInputs === undefined,
      registered: ofGate ? registeredOf(change.oldInputs) : undefined,
    });
    const { pass, message, ...rest } = await verdict;
    if (!pass) throw new Error(message);
    if (message !== "" && !asked)
      await show("warn" in rest && rest.warn ? "warn" : "info", message, change.urn);
  };
}

async function judgeAndReport(
  options: GuardOptions,
  known: Pick<Proposal, "first" | "registered">,
): Promise<Verdict> {
  const { settings, inputs, name } = options;
  const judging = options.judging.known();
  const verdict = await judgeProposal(
    {
      owner: `${pulumi.getProject()}/${pulumi.getStack()}/${name}`,
      after: { policy: inputs.policy, mode: inputs.mode },
      caGenerations: inputs.caGenerations,
      // What is made only by the update is not known in its preview.
      judging: judging ?? (pulumi.runtime.isDryRun() ? "unknown" : undefined),
      running: inputs.running,
      ...known,
      acknowledged: settings.acknowledged,
      requireImpact: settings.requireImpact,
    },
    sightOf(options),
  );
  if (settings.report !== undefined && verdict.answer !== undefined)
    await writeReport(settings.report, verdict.answer.impact);
  return verdict;
}

function sightOf({ connection, settings, inputs }: GuardOptions): Sight {
  let kube: ReturnType<Connection["connect"]> | undefined;
  const connected = () => (kube ??= connection.connect());
  return {
    cluster: async () => readClusterState(await connected(), settings.namespace),
    hasWorkloads: async () => hasWorkloads(await connected(), settings.excludedNamespaces),
    impact: async () =>
      askImpact(await connected(), {
        namespace: settings.namespace,
        after: { policy: inputs.policy, mode: inputs.mode },
        running: settings.running ?? [],
        timeoutMs: IMPACT_MS,
      }),
  };
}

/** What the last update registered. A Gate of a version that registered something else is as good as none. */
function registeredOf(oldInputs: GuardedChange["oldInputs"]): Proposal["registered"] {
  if (oldInputs === undefined) return undefined;
  const { policy, caGenerations, running } = oldInputs as { policy?: Policy } & Record<string, unknown>;
  return policy !== undefined && Array.isArray(caGenerations)
    ? {
        policy,
        caGenerations: caGenerations.map(String),
        running: Array.isArray(running) ? running.map(String) : undefined,
      }
    : undefined;
}

/**
 * Pulumi's diagnostics. The log wants a resource only for its URN; the real one is not to be had inside its own hook,
 * where waiting for it would never end.
 */
const diagnostics: Show = (severity, message, urn) =>
  pulumi.log[severity](message, { urn: pulumi.output(urn) } as unknown as pulumi.Resource);

/**
 * The guard as a Pulumi hook; undefined under the SDK's mocks, whose monitor knows no hooks. A Pulumi that is too old
 * for them refuses the registration, and with it the program.
 */
export function guardHook(options: GuardOptions): pulumi.ResourceHook | undefined {
  const monitor = pulumi.runtime.getMonitor() as { registerResourceHook?: unknown } | undefined;
  if (typeof monitor?.registerResourceHook !== "function") return undefined;
  return new pulumi.ResourceHook(`gatehouse-guard-${options.name}`, guard(options, diagnostics), {
    onDryRun: true,
  });
}

/**
 * Adds the gate's own words to the failure of a roll-out, such as what is wrong with a policy that it refused. It
 * changes nothing about the failure.
 */
export function failureHook({ name, settings, connection }: GuardOptions): pulumi.ErrorHook | undefined {
  const monitor = pulumi.runtime.getMonitor() as { registerErrorHook?: unknown } | undefined;
  if (typeof monitor?.registerErrorHook !== "function") return undefined;
  return new pulumi.ErrorHook(`gatehouse-failure-${name}`, async ({ urn }) => {
    try {
      const said = await whyNotReady(await connection.connect(), settings.namespace);
      for (const words of said)
        await errors(withCode("GH2031", `The gate says why it does not start:\n${words}`), urn);
    } catch (error) {
      await errors(withCode("GH2032", `Why the gate does not start cannot be read: ${String(error)}`), urn);
    }
    return false;
  });
}

const errors = (message: string, urn: string) =>
  pulumi.log.error(message, { urn: pulumi.output(urn) } as unknown as pulumi.Resource);

/** Options with the hook, before the resource is created and before it is updated. */
export function guarded<Options extends pulumi.ResourceOptions>(
  options: Options,
  hook: pulumi.ResourceHook | undefined,
): Options {
  if (hook === undefined) return options;
  const { hooks } = options;
  return {
    ...options,
    hooks: {
      ...hooks,
      beforeCreate: [...(hooks?.beforeCreate ?? []), hook],
      beforeUpdate: [...(hooks?.beforeUpdate ?? []), hook],
    },
  };
}
