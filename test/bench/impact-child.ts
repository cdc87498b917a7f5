/** An observer in a process of its own and behind others, as in a cluster: says `ready`, judges impacts from `on` to `off`, then says `resting`. */
import { stepBack } from "@gatehouse/webhook";
import { observedBench } from "./impact-observed.ts";
import { statedSize } from "./impact-samples.ts";

stepBack();
const asked = { wanted: false };
let working = Promise.resolve();

const observed = await observedBench(statedSize);
process.on("message", (message) => {
  asked.wanted = message === "on";
  if (asked.wanted) working = work();
  else void working.then(() => process.send?.("resting"));
});
process.on("disconnect", () => process.exit());
process.send?.("ready");

async function work(): Promise<void> {
  while (asked.wanted) await observed.impact();
}
