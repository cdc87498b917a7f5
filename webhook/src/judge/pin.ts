import { parseImageReference, type ImageUse, type Scans } from "@gatehouse/policy";
import type { PatchOperation } from "./admission-review.ts";

/**
 * Pins images to the digest that their reference names now, `repository:tag@sha256:…`: of an index where it is one.
 * References that have a digest stay as they are, as do those that could not be resolved; whether those may run is
 * for the verdict to say. Each step is preceded by a test, so that a Pod changed on the way is left alone.
 */
export function pinPatch(images: readonly ImageUse[], scans: Scans): PatchOperation[] {
  return images.flatMap(({ path, reference }) => {
    const digest = scans.get(reference)?.digest;
    const parsed = parseImageReference(reference);
    if (digest === undefined || !parsed.ok || parsed.reference.digest !== undefined) return [];
    const pinned = `${reference}@${digest}`;
    if (!parseImageReference(pinned).ok) return [];
    const pointer = jsonPointer(path);
    return [
      { op: "test", path: pointer, value: reference },
      { op: "replace", path: pointer, value: pinned },
    ];
  });
}

/** `spec.containers[0].image` as the JSON pointer `/spec/containers/0/image`. Field paths of images hold no others. */
function jsonPointer(path: string): string {
  return `/${path.replaceAll(/\[(\d+)\]/g, ".$1").replaceAll(".", "/")}`;
}
