import { admissionEventSchema } from "@gatehouse/policy";
import { expect, it } from "vitest";
import { pod, review, testApp, workload } from "../testing/fixtures.ts";

/** Reviews of every way that a verdict comes about, and the action that the event tells of in mode deny. */
const cases: readonly (readonly [what: string, body: Record<string, unknown>, action: string])[] = [
  ["a clean image", review(pod(["registry.example/clean:1"])), "allow"],
  ["findings", review(pod(["registry.example/bad:1"])), "deny"],
  ["a scan that is pending", review(pod(["registry.example/pending:1"])), "audit"],
  ["no scan", review(workload(["registry.example/none:1"])), "deny"],
  ["no reference", review(pod(["Not A Reference"])), "deny"],
  ["an exemption", review(pod(["registry.example/bad:1"], inNamespace("billing"))), "allow"],
  ["several images", review(workload(["registry.example/bad:1", "registry.example/clean:1"], "Job")), "deny"],
  ["no images that can be read", review({ ...pod([]), spec: "none" }), "deny"],
  [
    "a kind that is not judged",
    review({ apiVersion: "v1", kind: "Secret", metadata: { name: "s" } }),
    "deny",
  ],
];

function inNamespace(namespace: string): Record<string, unknown> {
  return { metadata: { name: "web", namespace, uid: "pod-2" } };
}

it.each(cases)("the event about %s has the published form", async (_, body, action) => {
  const { validate, events } = testApp();
  await validate(body);
  const told = events();
  expect(told.map((event) => admissionEventSchema.safeParse(event).error?.issues ?? [])).toEqual([[]]);
  expect(told.map(({ data }) => (data as { action: string }).action)).toEqual([action]);
});
