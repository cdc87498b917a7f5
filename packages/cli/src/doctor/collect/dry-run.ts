import { isKubeError, resources, type Kube } from "@gatehouse/kube";
import { oneLine } from "@gatehouse/policy";
import type { DryRun } from "../facts.ts";
import { gateNames } from "../names.ts";

/** A host that nothing can have (RFC 2606), so that nobody is asked about its scan. */
const image = "doctor.invalid/gatehouse-doctor:1";

/**
 * Has the API server ask the gate about a Pod that is not created: a dry run leaves nothing behind.
 *
 * @param takeWarnings warnings of the API server's answers since it was called last
 * @throws KubeError when it cannot be told how the gate was asked
 */
export async function tryOut(kube: Kube, namespace: string, takeWarnings: () => string[]): Promise<DryRun> {
  takeWarnings();
  const of = (outcome: DryRun["outcome"], said: string): DryRun => ({
    namespace,
    outcome,
    said: oneLine(said, 300),
  });
  const pod = {
    metadata: { generateName: "gatehouse-doctor-", namespace },
    // What the stricter Pod security standards ask for, so that only the gate has something to say.
    spec: {
      automountServiceAccountToken: false,
      containers: [
        {
          name: "doctor",
          image,
          resources: { requests: { cpu: "1m", memory: "1Mi" }, limits: { cpu: "1m", memory: "1Mi" } },
          securityContext: {
            allowPrivilegeEscalation: false,
            runAsNonRoot: true,
            runAsUser: 65_532,
            capabilities: { drop: ["ALL"] },
            seccompProfile: { type: "RuntimeDefault" },
          },
        },
      ],
    },
  };
  try {
    await kube.create(resources.pods, pod, { dryRun: true });
  } catch (error) {
    if (!isKubeError(error)) throw error;
    const { detail } = error;
    if (detail.includes("failed calling webhook") && detail.includes("gatehouse.dev"))
      return of("webhook-failed", detail);
    if (detail.includes(gateNames.webhook) || detail.includes("Gatehouse denied"))
      return of("judged", detail);
    if (error.code === "forbidden" && /cannot create resource/.test(detail)) throw error;
    if (["forbidden", "invalid"].includes(error.code)) return of("refused-by-others", detail);
    throw error;
  }
  const said = takeWarnings().find((warning) => /gatehouse/i.test(warning));
  return said === undefined ? of("silent", "admitted") : of("judged", said);
}
