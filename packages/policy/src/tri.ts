/**
 * Three-valued truth: `undefined` means that a fact which was needed is not known. It is carried to the one place
 * that decides what not knowing means, and never silently becomes "no".
 */
export type Tri = boolean | undefined;

/** False as soon as one is false; unknown when none is false and one is unknown. */
export function all(values: Iterable<Tri>): Tri {
  let result: Tri = true;
  for (const value of values) {
    if (value === false) return false;
    if (value === undefined) result = undefined;
  }
  return result;
}

/** Negation keeps what is unknown unknown. */
export function not(value: Tri): Tri {
  return value === undefined ? undefined : !value;
}
