/**
 * Volumes as folders: written as a kubelet writes them, in a new folder behind the link `..data`, which is replaced in
 * one step, so that a reader never sees half of an update.
 *
 * @module
 */
import { mkdir, readlink, rename, rm, symlink, writeFile, readdir, chmod, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type {
  KeyToPath,
  Pod,
  Volume,
  DownwardAPIVolumeFile,
  ServiceAccountTokenProjection,
} from "kubernetes-types/core/v1.d.ts";
import type { ApiClient } from "../api.ts";
import { fieldValue, resourceValue, type PodFacts } from "./fields.ts";
import { volumeKind } from "./honour.ts";
import type { Objects } from "./objects.ts";
import { nameOf } from "./types.ts";

/** A file of a volume. */
interface VolumeFile {
  readonly content: Buffer;
  readonly mode: number;
}

type VolumeFiles = Map<string, VolumeFile>;

export interface VolumeContext {
  readonly api: ApiClient;
  readonly objects: Objects;
  readonly pod: Pod;
  readonly facts: PodFacts;
  /** Folder that holds one folder per volume. */
  readonly folder: string;
}

/** The volumes of one Pod. */
export interface Volumes {
  /** Folder of a volume, by its name. */
  pathOf(name: string): string;
  /** Writes what has changed. @throws when an object or key that is not optional does not exist. */
  refresh(): Promise<void>;
}

/** Prepares a Pod's volumes; `refresh` fills them. */
export function createVolumes(context: VolumeContext): Volumes {
  const tokens = createTokens(context);
  const pathOf = (name: string) => join(context.folder, name);
  return {
    pathOf,
    refresh: async () => {
      for (const volume of context.pod.spec?.volumes ?? []) {
        await mkdir(pathOf(volume.name), { recursive: true });
        if (volumeKind(volume) === "emptyDir") await chmod(pathOf(volume.name), 0o777);
        else await publish(pathOf(volume.name), await filesOf(volume, context, tokens));
      }
    },
  };
}

async function filesOf(volume: Volume, context: VolumeContext, tokens: Tokens): Promise<VolumeFiles> {
  const files: VolumeFiles = new Map();
  const { objects } = context;
  if (volume.configMap) {
    const { name = "", items, optional, defaultMode = 0o644 } = volume.configMap;
    addEntries(files, `configmap "${name}"`, await objects.configMap(name), items, optional, defaultMode);
  } else if (volume.secret) {
    const { secretName: name = "", items, optional, defaultMode = 0o644 } = volume.secret;
    addEntries(files, `secret "${name}"`, await objects.secret(name), items, optional, defaultMode);
  } else if (volume.downwardAPI) {
    addFields(files, context, volume.downwardAPI.items, volume.downwardAPI.defaultMode ?? 0o644);
  } else if (volume.projected) {
    const mode = volume.projected.defaultMode ?? 0o644;
    for (const source of volume.projected.sources ?? []) {
      if (source.configMap) {
        const { name = "", items, optional } = source.configMap;
        addEntries(files, `configmap "${name}"`, await objects.configMap(name), items, optional, mode);
      } else if (source.secret) {
        const { name = "", items, optional } = source.secret;
        addEntries(files, `secret "${name}"`, await objects.secret(name), items, optional, mode);
      } else if (source.downwardAPI) addFields(files, context, source.downwardAPI.items, mode);
      else if (source.serviceAccountToken) {
        const content = Buffer.from(await tokens.get(source.serviceAccountToken));
        files.set(source.serviceAccountToken.path, { content, mode });
      } else
        throw new Error(
          `volume ${volume.name}: ${Object.keys(source).join()} is not a source this Pod runner knows`,
        );
    }
  }
  return files;
}

function addEntries(
  files: VolumeFiles,
  what: string,
  entries: Readonly<Record<string, Buffer>> | undefined,
  items: readonly KeyToPath[] | undefined,
  optional: boolean | undefined,
  defaultMode: number,
): void {
  if (entries === undefined) {
    if (optional === true) return;
    throw new Error(`MountVolume.SetUp failed: ${what} not found`);
  }
  const chosen = items ?? Object.keys(entries).map((key): KeyToPath => ({ key, path: key }));
  for (const { key, path, mode } of chosen) {
    const content = entries[key];
    if (content !== undefined) files.set(path, { content, mode: mode ?? defaultMode });
    else if (optional !== true) throw new Error(`MountVolume.SetUp failed: ${what} has no key ${key}`);
  }
}

function addFields(
  files: VolumeFiles,
  { pod, facts }: VolumeContext,
  items: readonly DownwardAPIVolumeFile[] = [],
  defaultMode: number,
): void {
  for (const { path, mode = defaultMode, fieldRef, resourceFieldRef } of items) {
    const text = fieldRef
      ? fieldValue(pod, facts, fieldRef.fieldPath)
      : resourceFieldRef
        ? resourceValue(pod.spec?.containers ?? [], undefined, resourceFieldRef)
        : "";
    files.set(path, { content: Buffer.from(text), mode });
  }
}

/** Puts `files` in place of what the folder holds, unless it holds the same. */
async function publish(folder: string, files: VolumeFiles): Promise<void> {
  const link = join(folder, "..data");
  const current = await readlink(link).catch(() => undefined);
  if (current !== undefined && (await holds(join(folder, current), files))) return;
  const next = `..${new Date().toISOString().replaceAll(/[-:.TZ]/gu, "_")}${process.hrtime.bigint() % 1_000_000n}`;
  for (const [path, { content, mode }] of files) {
    const file = join(folder, next, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    await chmod(file, mode);
  }
  await mkdir(join(folder, next), { recursive: true });
  await symlink(next, `${link}_tmp`);
  await rename(`${link}_tmp`, link);
  const names = new Set([...files.keys()].map((path) => path.split("/")[0] ?? ""));
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (name === next || name === "..data" || names.delete(name)) continue;
    // Only what was written here before: other folders are where further volumes are mounted.
    if (entry.isSymbolicLink() || name.startsWith("..")) await rm(join(folder, name), { recursive: true });
  }
  for (const name of names) await symlink(join("..data", name), join(folder, name));
}

async function holds(folder: string, files: VolumeFiles): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  if (entries.filter((entry) => entry.isFile()).length !== files.size) return false;
  for (const [path, { content }] of files) {
    const present = await readFile(join(folder, path)).catch(() => undefined);
    if (present === undefined || !present.equals(content)) return false;
  }
  return true;
}

interface Tokens {
  get(projection: ServiceAccountTokenProjection): Promise<string>;
}

/** Service account tokens by TokenRequest, bound to the Pod, asked for again after four fifths of their life. */
function createTokens({ api, pod }: VolumeContext): Tokens {
  const known = new Map<string, { readonly token: string; readonly renewAt: number }>();
  return {
    get: async ({ audience, expirationSeconds = 3600 }) => {
      const key = JSON.stringify([audience, expirationSeconds]);
      const held = known.get(key);
      if (held !== undefined && Date.now() < held.renewAt) return held.token;
      const { namespace, name } = nameOf(pod);
      const account = pod.spec?.serviceAccountName ?? "default";
      const { status } = await api.post<{ status: { token: string; expirationTimestamp: string } }>(
        `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
        {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          spec: {
            ...(audience !== undefined && audience !== "" && { audiences: [audience] }),
            expirationSeconds,
            boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid: pod.metadata?.uid },
          },
        },
      );
      const life = Date.parse(status.expirationTimestamp) - Date.now();
      known.set(key, { token: status.token, renewAt: Date.now() + life * 0.8 });
      return status.token;
    },
  };
}
