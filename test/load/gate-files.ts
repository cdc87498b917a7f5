/** The files that judge and observer are started with, in a folder of their own. */
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalJson, policyHash, type GateConfig, type Policy } from "@gatehouse/policy";
import { createAuthority, type Authority } from "../cluster/certificates.ts";

/** A folder with configuration, policy, authority and secret of one gate. */
export interface GateFiles {
  readonly folder: string;
  readonly authority: Authority;
  /** Of the path that a judge is asked under. */
  readonly secret: string;
  /** Flags of the command line that both parts of the gate take. */
  readonly common: readonly string[];
  /** The same, and the secret: those of a judge. */
  readonly flags: readonly string[];
  /** Writes a further file and returns its path. */
  write(name: string, text: string): Promise<string>;
  remove(): Promise<void>;
}

/** Service account of the judges, as `Gate` names it. */
export const gateAccount = { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" };

/** Writes them. `change` is what is not as in every test; it is told where the folder is. */
export async function writeGateFiles(
  policy: Policy,
  change: (folder: string) => Pick<GateConfig, "sources"> & Partial<GateConfig>,
): Promise<GateFiles> {
  const folder = await mkdtemp(join(tmpdir(), "gatehouse-load-"));
  const authority = await createAuthority("load");
  const secret = randomUUID();
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const config: GateConfig = {
    version: 1,
    cluster: { name: "load" },
    mode: "deny",
    policyHash: policyHash(policy),
    platforms: ["linux/amd64"],
    pin: true,
    excludedNamespaces: [],
    gate: gateAccount,
    ...change(folder),
  };
  await mkdir(join(folder, "ca"));
  await Promise.all([
    write("policy.json", canonicalJson(policy, "policy")),
    write("config.json", JSON.stringify(config)),
    write("ca/tls.crt", authority.certificate),
    write("ca/tls.key", authority.key),
    write("secret", secret),
  ]);
  const common = [
    `--config=${join(folder, "config.json")}`,
    `--policy=${join(folder, "policy.json")}`,
    `--ca=${join(folder, "ca")}`,
    "--ip=127.0.0.1",
  ];
  return {
    folder,
    authority,
    secret,
    common,
    flags: [...common, `--secret-file=${join(folder, "secret")}`],
    write,
    remove: () => rm(folder, { recursive: true }),
  };
}
