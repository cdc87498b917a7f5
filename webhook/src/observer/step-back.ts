import { readdirSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** Nice value: about a tenth of the processor's time when somebody at 0 wants it too, and all of it when nobody does. */
const nice = 10;

/**
 * Lets whoever shares the processor go first, a judge above all: its answers are waited for, ours are not. Helps within
 * one control group; between Pods, their requests of CPU count. Linux keeps a priority for each thread, and those that
 * collect garbage run already, so each is asked.
 *
 * @returns whether all of it worked; it changes nothing else
 */
export function stepBack(): boolean {
  try {
    for (const thread of threads()) setPriority(thread, Math.max(nice, getPriority(thread)));
    return true;
  } catch {
    return false;
  }
}

/** Threads of this process; on other systems than Linux, the process. */
function threads(): number[] {
  try {
    return readdirSync("/proc/self/task").map(Number);
  } catch {
    return [0];
  }
}
