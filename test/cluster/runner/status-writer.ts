/**
 * Sends a Pod's status to the API server: one patch at a time, always the newest, until it arrives.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pod, PodStatus } from "kubernetes-types/core/v1.d.ts";
import { ApiError, type ApiClient } from "../api.ts";
import { podPath, uidOf } from "./types.ts";

export interface StatusWriter {
  /** The status has changed: `make` is asked for the newest when it is sent. */
  changed(): void;
  /** Resolves when the newest status has arrived, or cannot any more. */
  flushed(): Promise<void>;
  /** Sends nothing from now on. */
  close(): void;
}

/** Writes the status of `pod`, as `make` gives it; `notice` hears of refusals. A status equal to the last sent is not sent again. */
export function createStatusWriter(
  api: ApiClient,
  pod: Pod,
  make: () => PodStatus,
  notice: (message: string) => void,
): StatusWriter {
  const state = { open: true, dirty: false, busy: false };
  let sent = "";
  let told = "";
  let idle = Promise.resolve();

  async function sendAll(): Promise<void> {
    while (state.dirty && state.open) {
      state.dirty = false;
      const status = make();
      const text = JSON.stringify(status);
      // A strategic merge would add a new address to the old ones.
      const podIPs = [{ $patch: "replace" }, ...(status.podIPs ?? [])];
      const patch = { metadata: { uid: uidOf(pod) }, status: { ...status, podIPs } };
      if (text === sent) continue;
      try {
        await api.patch(`${podPath(pod)}/status`, patch, "strategic-merge");
        sent = text;
      } catch (error) {
        // Gone, or another Pod of the same name: there is nobody to tell.
        const nobody = error instanceof ApiError && (error.status === 404 || error.status === 409);
        if (nobody) state.open = false;
        else {
          // No answer is what outages look like; a refusal is a fault of this runner.
          const { message } = error as Error;
          if (error instanceof ApiError && error.status >= 400 && error.status < 500 && message !== told) {
            notice(`status not accepted: ${message}`);
            told = message;
          }
          state.dirty = true;
          await sleep(250);
        }
      }
    }
    // In the same step as the last look at `dirty`: a change from now on starts anew.
    state.busy = false;
  }

  return {
    changed: () => {
      state.dirty = true;
      if (state.busy) return;
      state.busy = true;
      idle = sendAll();
    },
    flushed: async () => {
      while (state.busy) await idle;
    },
    close: () => {
      state.open = false;
    },
  };
}
