/**
 * Makes an authority for a gate outside a cluster: `node authority.ts DIRECTORY` writes `tls.crt` and `tls.key` there,
 * as the judge's `--ca` wants them. Good for a week; a cluster's authority is made by the Pulumi component.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAuthority } from "./src/tls/certificate.ts";

const lifeMs = 7 * 24 * 60 * 60_000;

const [, , directory] = process.argv;
if (directory === undefined) {
  process.stderr.write("expected a directory: node authority.ts DIRECTORY\n");
  process.exitCode = 1;
} else {
  const { certificate, key } = createAuthority({ name: "Gatehouse, tried out", now: Date.now(), lifeMs });
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "tls.crt"), certificate);
  await writeFile(join(directory, "tls.key"), key, { mode: 0o600 });
}
