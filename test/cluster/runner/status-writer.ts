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

/** Writes the status of `pod`, as `make` gives it. A status equal to the last sent is not sent again. */
export function createStatusWriter(api: ApiClient, pod: Pod, make: () => PodStatus): StatusWriter {
  const state = { open: true, dirty: false, busy: false };
  let sent = "";
  let idle = Promise.resolve();

  async function sendAll(): Promise<void> {
    while (state.dirty && state.open) {
      state.dirty = false;
      const status = make();
      const text = JSON.stringify(status);
      if (text === sent) continue;
      try {
        await api.patch(
          `${podPath(pod)}/status`,
          { metadata: { uid: uidOf(pod) }, status },
          "strategic-merge",
        );
        sent = text;
      } catch (error) {
        // Gone, or another Pod of the same name: there is nobody to tell.
        const nobody = error instanceof ApiError && (error.status === 404 || error.status === 409);
        if (nobody) state.open = false;
        else {
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
