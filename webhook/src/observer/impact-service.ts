/** Impacts of proposals, one at a time. */
import {
  impactSteps,
  type Exemption,
  type Impact,
  type ImpactSubject,
  type Mode,
  type Policy,
  type Regime,
  type RunningDigests,
} from "@gatehouse/policy";
import { inSlices } from "./slices.ts";

/** What is proposed. */
export interface Proposal {
  policy: Policy;
  mode: Mode;
  /** Digests that are to be on record as running. @default those on record now */
  running?: RunningDigests | undefined;
  horizonDays?: number | undefined;
}

/** An impact, or why there is none now and in how many seconds to ask again. */
export type ImpactAnswer = { impact: Impact } | { busy: string; retryAfterSeconds: number };

/** Computes impacts one after the other: each goes through all workloads, and the event loop has other work. */
export interface ImpactService {
  /** Over the workloads of the namespaces that the caller may see. Rejects with the signal's reason. */
  compute(
    proposal: Proposal,
    visible: (namespace: string) => boolean,
    signal: AbortSignal,
  ): Promise<ImpactAnswer>;
}

/** What an impact is computed from. */
export interface ImpactServiceOptions {
  /** What is in force. */
  inForce: () => Regime;
  /** Break-glass exemptions: they stay in force whatever policy is deployed. */
  emergencies: () => Readonly<Record<string, Exemption>>;
  subjects: (visible: (namespace: string) => boolean) => ImpactSubject[];
  /** Looks tags up again and waits for first look-ups; resolves with how many images are still not known. */
  freshen: (signal: AbortSignal) => Promise<number>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Told of each, with the milliseconds it took. */
  done?: (milliseconds: number) => void;
}

/** Proposals that may wait for the one that is computed. */
const mostWaiting = 4;
/** Longest that reports are waited for: an API server's proxy gives up after a minute. */
const freshenMs = 25_000;

/** A service over what the observer knows. */
export function createImpactService(options: ImpactServiceOptions): ImpactService {
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;

  async function run(
    { policy, mode, running, horizonDays }: Proposal,
    visible: (namespace: string) => boolean,
    signal: AbortSignal,
  ): Promise<ImpactAnswer> {
    signal.throwIfAborted();
    const unknown = await options.freshen(AbortSignal.any([signal, AbortSignal.timeout(freshenMs)]));
    if (unknown > 0)
      // How many would count what the caller may not see.
      return { busy: "the reports of some images are still being looked up", retryAfterSeconds: 10 };
    const started = performance.now();
    const before = options.inForce();
    const onRecord = running ?? before.running;
    const exemptions = { ...policy.exemptions, ...options.emergencies() };
    const after: Regime = {
      policy: { ...policy, exemptions },
      mode,
      ...(onRecord === undefined ? {} : { running: onRecord }),
    };
    const steps = impactSteps(
      before,
      after,
      options.subjects(visible),
      options.now(),
      horizonDays === undefined ? {} : { horizonDays },
    );
    const impact = await inSlices(steps, { signal });
    options.done?.(performance.now() - started);
    return { impact };
  }

  return {
    async compute(proposal, visible, signal) {
      if (waiting >= mostWaiting) return { busy: "other proposals are being computed", retryAfterSeconds: 5 };
      waiting++;
      const mine = last.then(() => run(proposal, visible, signal));
      // Never the impact itself, which is large, and would be held until the next one.
      last = mine.then(
        () => undefined,
        () => undefined,
      );
      try {
        return await mine;
      } finally {
        waiting--;
      }
    },
  };
}
