/**
 * Which programs the cluster runs, and how each is built from a pinned Go module beside this file.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The programs of the control plane, in the order in which they are built. */
export const controlPlanePrograms = ["etcd", "kube-apiserver", "kube-controller-manager"] as const;
/** Registries: `distribution` has no referrers interface, `referrers` (go-containerregistry) has. */
export const registryPrograms = ["distribution", "referrers"] as const;

export type ControlPlaneProgram = (typeof controlPlanePrograms)[number];
export type RegistryProgram = (typeof registryPrograms)[number];
export type Program = ControlPlaneProgram | RegistryProgram | "kubectl";

/** A Go package to build: the folder of its module, its import path and the linker's flags. */
export interface GoPackage {
  readonly folder: string;
  readonly path: string;
  readonly linkerFlags: string;
}

const here = import.meta.dirname;

/** Says how `program` is built. Kubernetes programs carry the release that go.mod pins as their version. */
export async function goPackage(program: Program): Promise<GoPackage> {
  switch (program) {
    case "etcd":
      return controlPlane("go.etcd.io/etcd/server/v3");
    case "kube-apiserver":
    case "kube-controller-manager":
    case "kubectl":
      return controlPlane(`k8s.io/kubernetes/cmd/${program}`);
    case "distribution":
      return registries("github.com/distribution/distribution/v3/cmd/registry");
    case "referrers":
      return registries("./referrers");
  }
}

/** The release of Kubernetes that go.mod pins, such as `v1.37.2`. */
export async function kubernetesVersion(): Promise<string> {
  const file = join(here, "control-plane", "go.mod");
  const version = /^\s*k8s\.io\/kubernetes (v\d+\.\d+\.\d+)(?:\s|$)/mu.exec(
    await readFile(file, "utf8"),
  )?.[1];
  if (version === undefined) throw new Error(`${file}: expected a line "k8s.io/kubernetes vX.Y.Z"`);
  return version;
}

async function controlPlane(path: string): Promise<GoPackage> {
  const version = await kubernetesVersion();
  const [major, minor] = version.slice(1).split(".");
  const set = Object.entries({
    gitVersion: version,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: "clean",
  });
  const flags = set.map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return { folder: join(here, "control-plane"), path, linkerFlags: ["-s", "-w", ...flags].join(" ") };
}

function registries(path: string): GoPackage {
  return { folder: join(here, "registries"), path, linkerFlags: "-s -w" };
}
