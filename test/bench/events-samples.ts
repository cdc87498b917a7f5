/** What is admitted while events are measured: mostly as in the other figures, now and then denied. */
import { randomUUID } from "node:crypto";
import { definePolicy, deny, findings, states, type Policy } from "@gatehouse/policy";
import { reviewOf, samplePolicy } from "./samples.ts";

/** Images of the reviews that are denied; the others have one fewer. */
export const imagesPerReview = 5;
const deniedEach = 4;

/** The sample policy with one rule more, which denies the last of the images. */
export function eventsPolicy(): Policy {
  const sample = samplePolicy(50, 50);
  const { rules } = definePolicy({
    rules: {
      "not-the-last": deny({
        description: "what is denied now and then",
        where: { repository: `shop/api-${imagesPerReview - 1}` },
        when: findings({ minSeverity: "critical" }),
        onScan: states.strict,
      }),
    },
    defaultRule: false,
  });
  return { ...sample, rules: { ...sample.rules, ...rules } };
}

const all = Array.from({ length: imagesPerReview }, (_, image) => image);
const denied = reviewOf(all);
const admitted = reviewOf(all.slice(0, -1));
const uid = "705ab4f5-6393-11e8-b7cc-42010a800002";

/** The review that comes as this number: each is another request, so that each makes an event. */
export function reviewNumber(index: number): string {
  return (index % deniedEach === 0 ? denied : admitted).replace(uid, randomUUID());
}
