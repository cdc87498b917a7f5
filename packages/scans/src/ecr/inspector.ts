/**
 * Amazon Inspector's own view of an image: findings with EPSS, when it last scanned, and what is known to be exploited.
 * Images that are asked about at the same time share their calls.
 */
import { RegistryError } from "../registry/errors.ts";
import type { ImageIdentity } from "../source.ts";
import type { EcrApi } from "./api.ts";
import { createExploitDetails, type ExploitDetails } from "./exploit-details.ts";
import { gather, type Gathered } from "./gather.ts";
import type { EcrHost } from "./host.ts";
import { listOfInspector, mostImages, type InspectorView } from "./inspector-lists.ts";

/** Everything that Inspector has on one image. Rejects with `RegistryError` when it does not give its findings. */
export type ReadInspector = (
  host: EcrHost,
  image: ImageIdentity,
  signal: AbortSignal,
) => Promise<InspectorView>;

/** Registries, by account and region, that batches are kept for. */
const keptRegistries = 200;

/** @param now Milliseconds since 1970. */
export function createInspector(api: EcrApi, now: () => number): ReadInspector {
  const batches = new Map<
    string,
    { list: Gathered<ImageIdentity, InspectorView | RegistryError>; details: ExploitDetails }
  >();

  return async (host, image, signal) => {
    const key = `${host.account} ${host.region}`;
    let batch = batches.get(key);
    if (batch === undefined) {
      if (batches.size >= keptRegistries) batches.clear();
      batch = {
        list: gather({
          most: mostImages,
          ask: async (images, until) => await listOfInspector(api, host, images, until),
        }),
        details: createExploitDetails(api, host.region, now),
      };
      batches.set(key, batch);
    }
    const view = await batch.list(image, signal);
    if (view instanceof RegistryError) throw view;
    return { ...view, entries: await batch.details(view.entries, signal) };
  };
}
