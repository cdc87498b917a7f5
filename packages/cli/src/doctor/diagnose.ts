import { behaviour } from "./checks/behaviour.ts";
import { certificates } from "./checks/certificates.ts";
import { clock } from "./checks/clock.ts";
import { installation } from "./checks/installation.ts";
import { prerequisites } from "./checks/prerequisites.ts";
import { reach } from "./checks/reach.ts";
import { scanning } from "./checks/scanning.ts";
import { vitals } from "./checks/vitals.ts";
import type { ClusterFacts } from "./facts.ts";
import type { DoctorFinding } from "./finding.ts";

/** All that is to be said of a cluster. Pure. */
export function diagnose(facts: ClusterFacts): DoctorFinding[] {
  return [prerequisites, installation, certificates, reach, clock, vitals, scanning, behaviour].flatMap(
    (check) => check(facts),
  );
}
