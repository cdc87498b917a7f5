import { isDigest, parseImageReference, formatRepository } from "./image-reference.ts";
import type { VexProduct } from "./model.ts";
import { parsePurl, unqualified, type Purl } from "./purl.ts";

/** How a VEX document names a component: package URLs and hashes, any of which is enough. */
export interface ComponentNames {
  /** Package URLs; other texts are passed over. */
  purls: readonly string[];
  /** `sha256:…` or `sha512:…`; of an image that is its digest. */
  digests: readonly string[];
}

/** What those names come to. Both empty: nothing that could be matched. */
interface Identity {
  images: readonly VexProduct[];
  packages: readonly string[];
}

/**
 * The products of a statement about a component, or about its subcomponents where there are some.
 *
 * Where a name cannot be matched, a statement that takes findings out gets fewer products, one that revokes gets
 * wider ones: never is a finding taken out on the strength of a name that was not understood.
 */
export function productsOf(
  component: ComponentNames,
  subcomponents: readonly ComponentNames[],
  takesOut: boolean,
): VexProduct[] {
  const whole = identify(component);
  const packages = whole.packages.map((purl) => ({ package: purl }));
  const products =
    whole.images.length > 0 && packages.length > 0 ? cross(whole.images, packages) : whole.images;
  const self = products.length > 0 ? products : packages;
  if (subcomponents.length === 0) return takesOut ? [...self] : [...whole.images, ...packages];

  const parts = subcomponents.map(identify);
  const partPackages = parts.flatMap((part) => part.packages.map((purl) => ({ package: purl })));
  if (takesOut)
    // A package inside a package: which copy in an image that is, no finding says.
    return whole.packages.length > 0 ? [] : cross(whole.images, partPackages);
  const understood = parts.every((part) => part.packages.length > 0);
  return whole.packages.length === 0 && understood
    ? cross(whole.images, partPackages)
    : [...whole.images, ...packages, ...(whole.packages.length > 0 ? partPackages : [])];
}

/** Products that ask for both an image and a package. */
function cross(images: readonly VexProduct[], packages: readonly VexProduct[]): VexProduct[] {
  return images.flatMap((image) => packages.map((one) => ({ ...image, ...one })));
}

function identify({ purls, digests }: ComponentNames): Identity {
  const parsed = purls.map(parsePurl).filter((purl) => purl !== undefined);
  const [images, packages] = [parsed.filter(isImage), parsed.filter((purl) => !isImage(purl))];
  const named = images.map(imageOf).filter((image) => image !== undefined);
  // The hash of a package is that of a file, which no finding carries.
  const hashed = packages.length > 0 ? [] : digests.filter(isDigest).map((digest) => ({ digest }));
  return {
    images: unique([...named, ...hashed]),
    packages: [...new Set(packages.map(unqualified))],
  };
}

function isImage({ type }: Purl): boolean {
  return type === "oci" || type === "docker";
}

/**
 * The image that a package URL of type oci or docker names. Its version is a digest, which is the image wherever it
 * is stored. Without one, `repository_url` is the repository with its registry, and `tag` may narrow it; other
 * qualifiers narrow it in ways that are not known here.
 */
function imageOf({ type, name, version, qualifiers }: Purl): VexProduct | undefined {
  if (version !== undefined) return isDigest(version) ? { digest: version } : undefined;
  const { repository_url: url, tag, ...others } = qualifiers;
  if (type !== "oci" || url === undefined || Object.keys(others).length > 0) return undefined;
  const parsed = parseImageReference(
    `${url.replace(/^(?:https|oci):\/\//, "").replace(/\/$/, "")}:${tag ?? "any"}`,
  );
  if (!parsed.ok || parsed.reference.digest !== undefined) return undefined;
  const { reference } = parsed;
  // Some write the registry only; then the repository is not known.
  if (reference.repository.split("/").at(-1) !== name.toLowerCase()) return undefined;
  return { repository: formatRepository(reference), ...(tag === undefined ? {} : { tag }) };
}

function unique(products: readonly VexProduct[]): VexProduct[] {
  return [...new Map(products.map((product) => [JSON.stringify(product), product])).values()];
}
