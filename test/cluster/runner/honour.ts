/**
 * What the Pod runner cannot honour for a Pod that runs processes. It refuses such a Pod and says why, rather than run
 * something else than what was asked for. What it knowingly leaves out is listed in the README of test/cluster.
 *
 * @module
 */
import type { Container, Pod, Probe, Volume } from "kubernetes-types/core/v1.d.ts";
import { runAs } from "./identity.ts";

/** Capabilities that container runtimes give to root unless told otherwise. */
export const defaultCapabilities: readonly string[] = [
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "NET_RAW",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
];

/** Problems of a Pod as a whole: each names the field and says what is not honoured. */
export function refusedInPod(pod: Pod): string[] {
  const problems: string[] = [];
  const refuse = (isSet: unknown, field: string) => {
    if (isSet) problems.push(`spec.${field}`);
  };
  const spec = pod.spec ?? { containers: [] };
  const security = spec.securityContext ?? {};
  refuse(spec.hostNetwork, "hostNetwork");
  refuse(spec.hostPID, "hostPID");
  refuse(spec.hostIPC, "hostIPC");
  refuse(spec.shareProcessNamespace, "shareProcessNamespace");
  refuse(spec.activeDeadlineSeconds !== undefined, "activeDeadlineSeconds");
  refuse(spec.runtimeClassName, "runtimeClassName");
  refuse(spec.dnsConfig, "dnsConfig");
  refuse(spec.dnsPolicy === "None" || spec.dnsPolicy === "Default", `dnsPolicy ${spec.dnsPolicy}`);
  refuse(spec.setHostnameAsFQDN, "setHostnameAsFQDN");
  refuse(security.sysctls?.length, "securityContext.sysctls");
  refuse(security.seLinuxOptions, "securityContext.seLinuxOptions");
  refuse(security.windowsOptions, "securityContext.windowsOptions");
  refuse(security.seccompProfile?.type === "Localhost", "securityContext.seccompProfile Localhost");
  for (const volume of spec.volumes ?? []) {
    refuse(
      volumeKind(volume) === undefined,
      `volumes[${volume.name}]: ${Object.keys(volume)
        .filter((key) => key !== "name")
        .join(", ")}`,
    );
  }
  return problems;
}

/** Kinds of volume that can be materialised. */
export function volumeKind(
  volume: Volume,
): "configMap" | "secret" | "projected" | "downwardAPI" | "emptyDir" | undefined {
  if (volume.configMap) return "configMap";
  if (volume.secret) return "secret";
  if (volume.projected) return "projected";
  if (volume.downwardAPI) return "downwardAPI";
  if (volume.emptyDir) return "emptyDir";
  return undefined;
}

/** Problems of one container that has a command; `imageUser` is the image's own user. */
export function refusedInContainer(pod: Pod, container: Container, imageUser: number): string[] {
  const problems: string[] = [];
  const refuse = (isSet: unknown, field: string) => {
    if (isSet) problems.push(field);
  };
  const security = container.securityContext ?? {};
  refuse(security.privileged, "securityContext.privileged");
  refuse(security.procMount === "Unmasked", "securityContext.procMount");
  refuse(security.seLinuxOptions, "securityContext.seLinuxOptions");
  refuse(security.windowsOptions, "securityContext.windowsOptions");
  refuse(security.seccompProfile?.type === "Localhost", "securityContext.seccompProfile Localhost");
  const foreign = (security.capabilities?.add ?? []).filter(
    (capability) => !defaultCapabilities.includes(capability.replace(/^CAP_/u, "")),
  );
  refuse(foreign.length > 0, `securityContext.capabilities.add ${foreign.join(", ")}`);
  refuse(container.stdin || container.tty, "stdin and tty");
  refuse(container.lifecycle?.postStart, "lifecycle.postStart");
  refuse(container.lifecycle?.preStop?.tcpSocket, "lifecycle.preStop.tcpSocket");
  refuse(container.volumeDevices?.length, "volumeDevices");
  refuse(
    container.ports?.some((port) => port.hostPort !== undefined),
    "ports.hostPort",
  );
  refuse("restartPolicy" in container && container.restartPolicy, "restartPolicy of a container");
  refuse("restartPolicyRules" in container, "restartPolicyRules");
  for (const mount of container.volumeMounts ?? []) {
    refuse(mount.subPathExpr, `volumeMounts[${mount.name}].subPathExpr`);
    refuse(
      mount.mountPropagation !== undefined && mount.mountPropagation !== "None",
      `volumeMounts[${mount.name}].mountPropagation`,
    );
  }
  for (const kind of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe: Probe | undefined = container[kind];
    refuse(probe && !probe.httpGet && !probe.tcpSocket && !probe.exec, `${kind}: grpc`);
  }
  const { user } = runAs(pod, container, imageUser);
  const mayNotBeRoot = security.runAsNonRoot ?? pod.spec?.securityContext?.runAsNonRoot ?? false;
  refuse(mayNotBeRoot && user === 0, "runAsNonRoot: the image's user is 0 and no runAsUser is given");
  problems.push(...unreadable(pod, container, user));
  return problems.map((problem) => `containers[${container.name}].${problem}`);
}

/** Files that this user could not read in a kubelet's volumes, which belong to root, though here they belong to it. */
function unreadable(pod: Pod, container: Container, user: number): string[] {
  if (user === 0 || pod.spec?.securityContext?.fsGroup !== undefined) return [];
  return (container.volumeMounts ?? []).flatMap((mount) => {
    const volume = pod.spec?.volumes?.find((candidate) => candidate.name === mount.name);
    const mode =
      volume?.secret?.defaultMode ?? volume?.configMap?.defaultMode ?? volume?.projected?.defaultMode;
    if (mode === undefined || (mode & 0o004) !== 0) return [];
    return [
      `volumeMounts[${mount.name}]: mode 0${mode.toString(8)} without fsGroup is unreadable for user ${user} on a real node`,
    ];
  });
}
