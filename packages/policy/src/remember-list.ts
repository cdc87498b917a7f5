/**
 * A pure function of lists that keeps its last result. A Pod can name one image under hundreds of references, and what
 * its report's lists come to is then asked hundreds of times in a row. Lists are told apart by identity: nobody changes
 * one that was made.
 */
export function rememberLast<List extends readonly unknown[], T>(
  make: (lists: readonly List[]) => T,
): (...lists: readonly List[]) => T {
  let last: { of: readonly List[]; made: T } | undefined;
  return (...lists) => {
    const same = last?.of.length === lists.length && last.of.every((list, index) => list === lists[index]);
    if (last === undefined || !same) last = { of: lists, made: make(lists) };
    return last.made;
  };
}

/** Shorter lists are quicker asked again than remembered. */
const long = 500;

/** A pure function of a list that keeps what it made of a long one for as long as there is the list. */
export function rememberLong<List extends readonly unknown[], T>(make: (list: List) => T): (list: List) => T {
  const known = new WeakMap<List, { made: T }>();
  return (list) => {
    if (list.length < long) return make(list);
    let entry = known.get(list);
    if (entry === undefined) {
      entry = { made: make(list) };
      known.set(list, entry);
    }
    return entry.made;
  };
}
