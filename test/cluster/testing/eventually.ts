/**
 * Waiting for a state of the cluster.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Calls `attempt` every 100 ms until it neither throws nor rejects, and returns what it gave. After `seconds` its last
 * error is thrown: an assertion in it reads like any other.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, seconds = 60): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}
