import { exempt, type ImpactSubject } from "@gatehouse/policy";
import { expect, test } from "vitest";
import { now, policy, scans } from "../testing/fixtures.ts";
import { createImpactService, type ImpactServiceOptions } from "./impact-service.ts";

const reference = "registry.example/bad:1";
const workload: ImpactSubject = {
  owner: "shop/Deployment/web",
  subject: {
    cluster: { name: "test" },
    namespace: { name: "shop", labels: {} },
    object: { kind: "Deployment", name: "web", labels: {} },
    pod: "web-",
    workload: { resolved: true, kind: "Deployment", name: "web" },
    images: [{ path: "p", reference, name: "main", kind: "container" }],
  },
  scans: new Map(Object.entries(scans)),
};

const service = (change: Partial<ImpactServiceOptions> = {}) =>
  createImpactService({
    inForce: () => ({ policy, mode: "audit", running: [] }),
    emergencies: () => ({}),
    subjects: () => [workload],
    freshen: () => Promise.resolve(0),
    now: () => now,
    ...change,
  });
const everything = () => true;
const never = new AbortController().signal;
const proposal = { policy, mode: "deny" } as const;

test("a proposal is compared with what is in force", async () => {
  const answer = await service().compute(proposal, everything, never);
  expect(answer).toMatchObject({
    impact: { newlyDenied: [{ owner: "shop/Deployment/web", before: "audit" }] },
  });
});

test("break-glass stays in force whatever policy is proposed", async () => {
  const emergency = exempt({
    reason: "outage",
    owner: "on-call",
    until: "2026-11-22T20:00:00Z",
    cves: ["CVE-2026-0001"],
  });
  const answer = await service({ emergencies: () => ({ "emergency/outage": emergency }) }).compute(
    proposal,
    everything,
    never,
  );
  expect(answer).toMatchObject({
    impact: { newlyDenied: [], endingExemptions: [{ exemption: "emergency/outage" }] },
  });
});

test("while reports are missing there is no impact, rather than a wrong one", async () => {
  const answer = await service({ freshen: () => Promise.resolve(3) }).compute(proposal, everything, never);
  expect(answer).toEqual({
    busy: "the reports of some images are still being looked up",
    retryAfterSeconds: 10,
  });
});

test("one is computed at a time, a few wait, more are sent away", async () => {
  let atOnce = 0;
  let most = 0;
  const slow = service({
    async freshen() {
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setTimeout(resolve, 5));
      atOnce--;
      return 0;
    },
  });
  const answers = await Promise.all(
    Array.from({ length: 7 }, () => slow.compute(proposal, everything, never)),
  );
  expect(most).toBe(1);
  expect(answers.filter((answer) => "busy" in answer)).toHaveLength(3);
  expect(await slow.compute(proposal, everything, never)).toHaveProperty("impact");
});

test("whoever hangs up is not computed for, and holds nobody up", async () => {
  const one = service();
  const gone = AbortSignal.abort(new Error("gone"));
  await expect(one.compute(proposal, everything, gone)).rejects.toThrow("gone");
  expect(await one.compute(proposal, everything, never)).toHaveProperty("impact");
});
