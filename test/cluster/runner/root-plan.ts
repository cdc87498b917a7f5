/**
 * What a container's root is made of, by its specification and its image's entry.
 *
 * @module
 */
import { mkdir, realpath, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Container } from "kubernetes-types/core/v1.d.ts";
import type { ImageCommand } from "../options.ts";
import { defaultCapabilities, volumeKind } from "./honour.ts";
import { runAs } from "./identity.ts";
import type { PodContext } from "./pod-context.ts";
import type { Mount, RootPlan } from "./root.ts";

/** Plans the root of a container's run, the `run`th from 0, and makes the files that it mounts. */
export async function rootPlan(
  context: PodContext,
  container: Container,
  image: ImageCommand,
  run: number,
): Promise<RootPlan> {
  const { pod } = context;
  const security = container.securityContext ?? {};
  const folder = join(context.folder, "roots", container.name);
  const message = join(context.folder, "messages", `${container.name}-${run}`);
  await mkdir(folder, { recursive: true });
  await mkdir(join(context.folder, "messages"), { recursive: true });
  await writeFile(message, "");
  const mounts: Mount[] = [
    ...context.etc,
    {
      source: message,
      path: container.terminationMessagePath ?? "/dev/termination-log",
      readOnly: false,
      isFile: true,
    },
  ];
  for (const [path, source] of Object.entries(image.files ?? {})) {
    mounts.push({ source, path, readOnly: true, isFile: (await stat(source)).isFile() });
  }
  for (const { name, mountPath, subPath, readOnly = false } of container.volumeMounts ?? []) {
    const volume = pod.spec?.volumes?.find((candidate) => candidate.name === name);
    if (volume === undefined) throw new Error(`volumeMounts[${name}]: no such volume`);
    const isScratch = volumeKind(volume) === "emptyDir";
    let source = context.volumes.pathOf(name);
    if (subPath !== undefined) {
      source = join(source, subPath);
      if (isScratch) await mkdir(source, { recursive: true });
      source = await realpath(source);
    }
    mounts.push({
      source,
      path: mountPath,
      readOnly: readOnly || !isScratch,
      isFile: (await stat(source)).isFile(),
    });
  }
  await makeNestedMountpoints(mounts);
  const { add = [], drop = [] } = security.capabilities ?? {};
  const kept = drop.includes("ALL") ? [] : defaultCapabilities.filter((name) => !drop.includes(name));
  return {
    folder,
    hostname: pod.spec?.hostname ?? (pod.metadata?.name ?? "").slice(0, 63),
    mounts,
    readOnlyRoot: security.readOnlyRootFilesystem ?? false,
    workingDir: container.workingDir ?? image.workingDir ?? "/",
    ...runAs(pod, container, image.user ?? 0),
    capabilities: [...new Set([...kept, ...add])],
    noNewPrivileges: security.allowPrivilegeEscalation === false,
  };
}

/** Makes the places where mounts go within other mounts, in what those show, as a kubelet does: they may be read-only. */
async function makeNestedMountpoints(mounts: readonly Mount[]): Promise<void> {
  for (const inner of mounts) {
    const outer = mounts
      .filter(({ path, isFile }) => !isFile && inner.path.startsWith(`${path.replace(/\/$/u, "")}/`))
      .toSorted((a, b) => b.path.length - a.path.length)[0];
    if (outer === undefined) continue;
    const place = join(outer.source, inner.path.slice(outer.path.length));
    await mkdir(inner.isFile ? dirname(place) : place, { recursive: true });
    if (inner.isFile) await writeFile(place, "", { flag: "a" });
  }
}
