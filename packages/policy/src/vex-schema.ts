/** The JSON form of a VEX statement in a policy. */
import * as z from "zod/mini";
import { isDigest } from "./image-reference.ts";
import { vexStatuses } from "./model.ts";
import { parsePurl } from "./purl.ts";
import { moment, nonEmpty } from "./vex-document.ts";

/** Text that must hold; the error says what came, too. */
const textThat = (holds: (text: string) => boolean, wanted: string) =>
  z
    .string()
    .check(z.refine(holds, { error: ({ input }) => `expected ${wanted}, got ${JSON.stringify(input)}` }));
const digest = textThat(isDigest, "sha256: and 64 or sha512: and 128 lower-case hexadecimal digits");
const purl = textThat(
  (text) => parsePurl(text) !== undefined,
  "a package URL, pkg:type/namespace/name@version",
);

const product = z
  .strictObject({
    digest: z.optional(digest),
    repository: z.optional(nonEmpty),
    tag: z.optional(nonEmpty),
    package: z.optional(purl),
  })
  .check(
    z.refine(
      (one) => Object.values(one).some((value) => value !== undefined),
      "expected a digest, repository, tag or package, got none of them",
    ),
  );

/** `VexStatement`; one about nothing is refused, since it would change nothing, unseen. */
export const vexStatementSchema = z.strictObject({
  vulnerability: nonEmpty,
  aliases: z.optional(z.array(nonEmpty)),
  status: z.enum(vexStatuses),
  products: z.array(product).check(z.minLength(1, "at least one product")),
  justification: z.optional(nonEmpty),
  timestamp: z.optional(moment),
  document: nonEmpty,
});
