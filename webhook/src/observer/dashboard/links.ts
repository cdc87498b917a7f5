/** Addresses within the dashboard. All are relative and of one depth, so that pages work behind any proxy's path. */

/** An address of a page with its parameters; empty ones are left out. */
export function link(
  page: string,
  parameters: Readonly<Record<string, string | number | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== "") query.set(name, String(value).toWellFormed());
  const text = query.toString();
  return text === "" ? page : `${page}?${text}`;
}

/** The page of an image. */
export function imageLink(reference: string, owner?: string): string {
  return link("image", { reference, owner });
}

/** The same address with some parameters changed; `undefined` takes one out. */
export function relink(address: URL, change: Readonly<Record<string, string | number | undefined>>): string {
  const page = address.pathname.split("/").at(-1) ?? "";
  return link(page, { ...Object.fromEntries(address.searchParams), ...change });
}
