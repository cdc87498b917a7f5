import { PackageURL } from "packageurl-js";

/** A package URL taken apart (https://github.com/package-url/purl-spec), normalised as its type demands. */
export interface Purl {
  type: string;
  namespace?: string;
  name: string;
  version?: string;
  qualifiers: Readonly<Record<string, string>>;
  subpath?: string;
}

/** Undefined when the text is no package URL. */
export function parsePurl(text: string): Purl | undefined {
  if (!text.startsWith("pkg:") || text.length > 4096) return undefined;
  try {
    const { type, namespace, name, version, qualifiers, subpath } = PackageURL.fromString(text);
    if (!type || !name) return undefined;
    return {
      type,
      name,
      ...(namespace ? { namespace } : {}),
      ...(version ? { version } : {}),
      qualifiers: { ...qualifiers },
      ...(subpath ? { subpath } : {}),
    };
  } catch {
    return undefined;
  }
}

/** The canonical text of a package URL without its qualifiers. */
export function unqualified(purl: Purl): string {
  const { type, namespace, name, version, subpath } = purl;
  return new PackageURL(type, namespace, name, version, undefined, subpath).toString();
}
