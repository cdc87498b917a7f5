import { createHash } from "node:crypto";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import type { Placement } from "./placement.ts";
import { LARGEST_OBJECT } from "./limits.ts";
import { commonLabels } from "./names.ts";

/** A folder of files as ConfigMaps that together hold it. */
export interface MountedFolder {
  readonly folder: string;
  readonly maps: readonly ConfigMap[];
}

/** Shares files out over as few parts as hold them, in the order of their names: equal files, equal parts. */
export function partsOf(files: Readonly<Record<string, string>>, largest: number): Record<string, string>[] {
  const parts: Record<string, string>[] = [];
  let size = Infinity;
  for (const [name, text] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(text);
    if (size + bytes > largest) {
      parts.push({});
      size = 0;
    }
    Object.assign(parts.at(-1) ?? {}, { [name]: text });
    size += bytes;
  }
  return parts;
}

/** Brings folders into the cluster, each part named by its content like bundle and policy. */
export function folders(
  place: Placement,
  files: Readonly<Record<string, Readonly<Record<string, string>>>>,
): MountedFolder[] {
  return Object.entries(files).map(([folder, content]) => ({
    folder,
    maps: partsOf(content, LARGEST_OBJECT).map((data) => {
      const short = createHash("sha256")
        .update(JSON.stringify([folder, data]))
        .digest("hex")
        .slice(0, 16);
      return new ConfigMap(
        `${place.name}-files-${folder}-${short}`,
        {
          metadata: {
            name: `gatehouse-files-${short}`,
            namespace: place.namespace,
            labels: { ...commonLabels },
          },
          immutable: true,
          data,
        },
        place.options,
      );
    }),
  }));
}
