/**
 * As whom a container runs.
 *
 * @module
 */
import type { Container, Pod } from "kubernetes-types/core/v1.d.ts";

/** User and group of a container: its own, the Pod's or the image's; the group is 0 unless named. */
export function runAs(pod: Pod, container: Container, imageUser: number): { user: number; group: number } {
  const own = container.securityContext ?? {};
  const shared = pod.spec?.securityContext ?? {};
  return {
    user: own.runAsUser ?? shared.runAsUser ?? imageUser,
    group: own.runAsGroup ?? shared.runAsGroup ?? (imageUser === 0 ? 0 : imageUser),
  };
}
