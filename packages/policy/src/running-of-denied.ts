import type { RunningDigests } from "./gate-config.ts";
import { formatRepository, parseImageReference } from "./image-reference.ts";
import type { Impact } from "./impact-model.ts";

/** What runs and would be denied, in the form in which a gate is told of digests on record; sorted. */
export function runningOfDenied({ violatesNow }: Pick<Impact, "violatesNow">): RunningDigests {
  const found = new Map<string, { namespace: string; repository: string; digests: Set<string> }>();
  for (const { namespace, images } of violatesNow)
    for (const { reference, digest } of images) {
      const parsed = parseImageReference(reference);
      const known = parsed.ok ? (parsed.reference.digest ?? digest) : undefined;
      if (!parsed.ok || known === undefined) continue;
      const repository = formatRepository(parsed.reference);
      const key = `${namespace} ${repository}`;
      const entry = found.get(key) ?? { namespace, repository, digests: new Set() };
      entry.digests.add(known);
      found.set(key, entry);
    }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { namespace, repository, digests }]) => ({
      namespace,
      repository,
      digests: [...digests].sort(),
    }));
}
