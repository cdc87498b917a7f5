/** Longer texts are not worth the memory. */
const longest = 512;

/**
 * A pure function of a text that keeps its last results, at least `most` of them and at most twice as many: requests name
 * the same few things over and over. What it gives is shared, so nobody may change it.
 */
export function remember<T extends object>(make: (text: string) => T, most: number): (text: string) => T {
  let recent = new Map<string, T>();
  let older = new Map<string, T>();
  return (text) => {
    const known = recent.get(text);
    if (known !== undefined) return known;
    const made = older.get(text) ?? make(text);
    if (text.length > longest) return made;
    if (recent.size >= most) {
      older = recent;
      recent = new Map();
    }
    recent.set(text, made);
    return made;
  };
}
