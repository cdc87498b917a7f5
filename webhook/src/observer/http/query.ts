/** Reads a number from a question's parameters; undefined for what is none in its range. */
export function wholeNumber(
  text: string | undefined,
  { otherwise, from, to }: { otherwise: number; from: number; to: number },
): number | undefined {
  if (text === undefined) return otherwise;
  const value = Number(text);
  return /^\d{1,6}$/.test(text) && value >= from && value <= to ? value : undefined;
}
