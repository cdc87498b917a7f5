import type { Container, Pod } from "kubernetes-types/core/v1.d.ts";
import { expect, test } from "vitest";
import { refusedInContainer, refusedInPod } from "./honour.ts";

const container: Container = { name: "c", image: "i" };

function pod(spec: Partial<NonNullable<Pod["spec"]>>): Pod {
  return { spec: { containers: [container], ...spec } };
}

test("a Pod with restricted security and every volume that can be made is run", () => {
  const restricted = pod({
    securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: "RuntimeDefault" } },
    volumes: [
      { name: "a", configMap: { name: "a" } },
      { name: "b", secret: { secretName: "b" } },
      { name: "c", emptyDir: {} },
      { name: "d", projected: { sources: [] } },
      { name: "e", downwardAPI: { items: [] } },
    ],
  });
  expect(refusedInPod(restricted)).toEqual([]);
  const security = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  };
  expect(refusedInContainer(restricted, { ...container, securityContext: security }, 0)).toEqual([]);
});

test("what a process cannot be given is refused by field", () => {
  const refused = pod({
    hostNetwork: true,
    volumes: [{ name: "sock", hostPath: { path: "/run/x.sock" } }],
  });
  expect(refusedInPod(refused)).toEqual(["spec.hostNetwork", "spec.volumes[sock]: hostPath"]);
  const privileged = {
    ...container,
    securityContext: { privileged: true, capabilities: { add: ["SYS_ADMIN"] } },
    livenessProbe: { grpc: { port: 1 } },
  };
  expect(refusedInContainer(pod({}), privileged, 0)).toEqual([
    "containers[c].securityContext.privileged",
    "containers[c].securityContext.capabilities.add SYS_ADMIN",
    "containers[c].livenessProbe: grpc",
  ]);
});

test("runAsNonRoot with a root image is refused, as a kubelet does", () => {
  expect(refusedInContainer(pod({ securityContext: { runAsNonRoot: true } }), container, 0)).toEqual([
    "containers[c].runAsNonRoot: the image's user is 0 and no runAsUser is given",
  ]);
});

test("a Secret that its user could not read on a real node is refused", () => {
  const mounted = { ...container, volumeMounts: [{ name: "ca", mountPath: "/ca" }] };
  const spec = { volumes: [{ name: "ca", secret: { secretName: "ca", defaultMode: 0o400 } }] };
  expect(refusedInContainer(pod(spec), mounted, 65_532)).toEqual([
    "containers[c].volumeMounts[ca]: mode 0400 without fsGroup is unreadable for user 65532 on a real node",
  ]);
  expect(refusedInContainer(pod({ ...spec, securityContext: { fsGroup: 65_532 } }), mounted, 65_532)).toEqual(
    [],
  );
});
