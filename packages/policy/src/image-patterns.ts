const heads = ["@sha256:", "@sha512:"];
const hexOnly = /^[0-9a-f]{0,128}$/;
const wholeDigest = /^(?:[0-9a-f]{64}|[0-9a-f]{128})$/;

/**
 * Tells of a `Scope.image` pattern (without its negation) whether an image with these forms, none of which has a
 * digest, could have a digest that fits it. Until that is known, such a pattern has no answer.
 *
 * @param forms `registry/repository`, and with the tag where there is one
 */
export function mayNameDigest(forms: readonly string[]): (pattern: string) => boolean {
  return (pattern) => {
    const open = pattern.startsWith("*");
    const close = pattern.endsWith("*");
    const text = pattern.slice(open ? 1 : 0, close ? -1 : undefined);
    const at = text.indexOf("@");
    if (at !== -1) {
      const named = text.slice(0, at);
      return forms.some((form) => (open ? form.endsWith(named) : form === named));
    }
    // A digest comes last, so only a pattern that is open in front can begin inside it.
    return open && liesInDigest(text, close);
  };
}

/** Whether a text without `@` can stand in `@sha256:…`: anywhere in it, or only at its end. */
function liesInDigest(text: string, anywhere: boolean): boolean {
  const colon = text.indexOf(":");
  const [head, hex] = [text.slice(0, colon + 1), text.slice(colon + 1)];
  if (colon === -1 && hexOnly.test(text)) return true;
  if (anywhere && heads.some((one) => one.includes(text))) return true;
  if (colon === -1 || !heads.some((one) => one.endsWith(head))) return false;
  return anywhere ? hexOnly.test(hex) : wholeDigest.test(hex);
}
