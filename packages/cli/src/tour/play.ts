import type { Policy } from "@gatehouse/policy";
import { admit, type Admitted } from "./admit.ts";
import { startJudge } from "./judge-process.ts";
import type { Admission } from "./outcome.ts";
import { reviewOf } from "./review.ts";
import { readWorkload, sampleReports, scenes, tourMoment, type Scene } from "./scenes.ts";
import type { Stage } from "./stage.ts";

/** A scene, and what became of it. */
export interface Played {
  scene: Scene;
  admitted: Admitted;
}

/** Plays the tour: two judges of one policy, one that denies and one that audits, both at the moment of the tour. */
export async function playTour(stage: Stage, policy: Policy): Promise<Played[]> {
  const setting = { policy, reports: sampleReports, clock: tourMoment };
  const judges = await Promise.all(
    (["deny", "audit"] as const).map((mode) => startJudge(stage, { ...setting, mode, name: `tour-${mode}` })),
  );
  try {
    const played: Played[] = [];
    for (const scene of scenes) {
      const judge = judges.find(({ mode }) => mode === scene.mode);
      if (judge === undefined) continue;
      const review = reviewOf(await readWorkload(scene.workload));
      played.push({ scene, admitted: await admit(stage, judge, review) });
    }
    return played;
  } finally {
    await Promise.all(judges.map((judge) => judge.stop()));
  }
}

/** The tour as `--json` tells it. */
export function admissionsOf(played: readonly Played[]): Admission[] {
  return played.map(({ scene, admitted: { action, code, findings, message } }) => ({
    name: scene.name,
    expected: scene.expected,
    action,
    code: code ?? null,
    findings: findings ?? null,
    message,
  }));
}
