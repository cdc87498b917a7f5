/** Sets by key, none of them empty. */
export interface KeyedSets {
  add(at: string, member: string): void;
  remove(at: string, member: string): void;
  /** The members at a key; none where there is no set. */
  at(key: string): Iterable<string>;
}

/** Without any set. */
export function createKeyedSets(): KeyedSets {
  const sets = new Map<string, Set<string>>();
  return {
    add(at, member) {
      const known = sets.get(at);
      if (known) known.add(member);
      else sets.set(at, new Set([member]));
    },
    remove(at, member) {
      const known = sets.get(at);
      known?.delete(member);
      if (known?.size === 0) sets.delete(at);
    },
    at: (key) => sets.get(key) ?? [],
  };
}
