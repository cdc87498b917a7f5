import * as z from "zod/mini";
import type { Kube } from "./client.ts";
import { isKubeError } from "./errors.ts";
import type { KubeObject } from "./objects.ts";
import { resources } from "./resources.ts";

/** Arguments of {@link holdLease}. */
export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process and this start of it, such as Pod name and a random part; never used twice. */
  readonly identity: string;
  /** How long the others wait after the last renewal they saw. At least 3. */
  readonly durationSeconds: number;
  /** We hold the lease from now on. */
  readonly onAcquired: () => void;
  /** We hold it no longer: stop at once. Called before anybody else can hold it. */
  readonly onLost: () => void;
  /** A request that failed; it is tried again. */
  readonly onError: (error: unknown) => void;
  readonly signal?: AbortSignal;
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly monotonic?: () => number;
}

/** A lease that is held or waited for. */
export interface LeaseHandle {
  /** Asks the clock, so it is right also after a pause in which no timer ran. */
  isHolder(): boolean;
  /** Calls `onLost` if held, then gives the lease back so that another need not wait. */
  stop(): Promise<void>;
}

const leaseSchema = z.looseObject({
  spec: z.optional(
    z.nullable(
      z.looseObject({
        holderIdentity: z.optional(z.nullable(z.string())),
        leaseDurationSeconds: z.optional(z.nullable(z.number())),
        leaseTransitions: z.optional(z.nullable(z.number())),
        acquireTime: z.optional(z.nullable(z.string())),
      }),
    ),
  ),
});

/** RFC 3339 with exactly six digits, the only form the API server takes (apimachinery `meta/v1/micro_time.go`). */
function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("Z", "000Z");
}

/**
 * Holds a Lease (`coordination.k8s.io/v1`) or waits for it, until stopped. Every write names the version it is based
 * on, so of two writers one gets a conflict. Nobody's wall clock counts: a waiter measures by its own clock how long
 * the record has not changed, and waits the whole duration; the holder gives up after two thirds of it, counted from
 * before its last renewal was sent. So as long as clocks tick at about the same speed there are never two holders.
 */
export function holdLease(kube: Kube, options: LeaseOptions): LeaseHandle {
  const { namespace, name, identity } = options;
  if (!(options.durationSeconds >= 3)) {
    throw new RangeError(`durationSeconds: expected at least 3, got ${options.durationSeconds}`);
  }
  const monotonic = options.monotonic ?? (() => performance.now());
  const durationMs = options.durationSeconds * 1000;
  const holdMs = (durationMs * 2) / 3;
  const pauseMs = durationMs / 6;
  const stopping = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal;
  let heldUntil: number | undefined;
  let mine: KubeObject | undefined;
  let seen: { readonly version: string | undefined; readonly at: number } | undefined;
  let expiry: NodeJS.Timeout | undefined;

  function lose(): void {
    clearTimeout(expiry);
    if (heldUntil === undefined) return;
    heldUntil = undefined;
    options.onLost();
  }

  function won(lease: KubeObject, started: number): void {
    const was = heldUntil !== undefined;
    mine = lease;
    heldUntil = started + holdMs;
    clearTimeout(expiry);
    expiry = setTimeout(lose, Math.max(0, heldUntil - monotonic()));
    expiry.unref();
    if (!was) options.onAcquired();
  }

  function manifest(old: KubeObject | undefined, holderIdentity: string, keepAcquired: boolean) {
    const spec = old === undefined ? undefined : leaseSchema.parse(old).spec;
    const time = microTime(kube.surroundings.now());
    return {
      metadata: { ...old?.metadata, namespace, name },
      spec: {
        holderIdentity,
        leaseDurationSeconds: Math.ceil(options.durationSeconds),
        renewTime: time,
        acquireTime: keepAcquired ? (spec?.acquireTime ?? time) : time,
        leaseTransitions: (spec?.leaseTransitions ?? 0) + (keepAcquired ? 0 : 1),
      },
    };
  }

  /** A write that takes longer than we may hold is of no use, so it ends then. */
  async function take(old: KubeObject | undefined, renewing: boolean): Promise<void> {
    const started = monotonic();
    const body = manifest(old, identity, renewing);
    const limits = { signal, timeoutMs: Math.max(1, Math.floor(holdMs / 2)) };
    const lease = old
      ? await kube.replace(resources.leases, body, limits)
      : await kube.create(resources.leases, body, limits);
    if (monotonic() < started + holdMs) won(lease, started);
  }

  async function step(): Promise<void> {
    if (mine && heldUntil !== undefined) return take(mine, true);
    mine = undefined;
    const limits = { signal, timeoutMs: Math.max(1, Math.floor(holdMs / 2)) };
    const lease = await kube.find(resources.leases, { namespace, name }, limits);
    if (!lease) {
      // One that we saw and that somebody deleted may still have a holder who has not noticed.
      if (seen && monotonic() - seen.at < durationMs) return;
      return take(undefined, false);
    }
    const spec = leaseSchema.parse(lease).spec;
    const { resourceVersion } = lease.metadata;
    if (seen?.version !== resourceVersion || seen === undefined) {
      seen = { version: resourceVersion, at: monotonic() };
    }
    // Ours by name but not in memory is another process by the same name: waited out like any other.
    const holder = spec?.holderIdentity ?? "";
    const wait = Math.max(durationMs, (spec?.leaseDurationSeconds ?? 0) * 1000);
    if (holder !== "" && monotonic() - seen.at < wait) return;
    await take(lease, false);
  }

  /**
   * After a failed step. A conflict says that the record was written since: by us, when an answer was lost, or by
   * somebody else; only the record can tell.
   */
  async function settle(error: unknown): Promise<void> {
    const overtaken = isKubeError(error, "conflict");
    if (!overtaken) options.onError(error);
    if (heldUntil === undefined) return;
    if (isKubeError(error, "not-found")) return lose();
    if (!overtaken) return;
    const limits = { signal, timeoutMs: Math.max(1, Math.floor(holdMs / 2)) };
    const lease = await kube.find(resources.leases, { namespace, name }, limits);
    if (lease && leaseSchema.parse(lease).spec?.holderIdentity === identity) mine = lease;
    else lose();
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await step();
      } catch (error) {
        if (signal.aborted) break;
        await settle(error).catch(options.onError);
      }
      await kube.surroundings
        .sleep(pauseMs * (0.8 + kube.surroundings.random() * 0.4), signal)
        .catch(() => undefined);
    }
    const held = heldUntil !== undefined ? mine : undefined;
    lose();
    if (!held) return;
    const empty = manifest(held, "", true);
    try {
      await kube.replace(resources.leases, empty, { timeoutMs: 5000 });
    } catch (error) {
      options.onError(error);
    }
  }

  const running = run();
  return {
    isHolder: () => heldUntil !== undefined && monotonic() < heldUntil,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
