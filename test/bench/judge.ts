import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalJson, policyHash } from "@gatehouse/policy";
import type { GateConfig, Policy, SourceConfig } from "@gatehouse/policy";
import { buildBundle } from "@gatehouse/webhook/build";
import { createAuthority } from "../cluster/certificates.ts";
import { startServer } from "./processes.ts";
import type { Server } from "./processes.ts";

/** A folder with all that servers of a bench are started with. */
export interface Bench {
  folder: string;
  bundle: string;
  bundleBytes: number;
  /** PEM of the authority that both servers' certificates come from. */
  ca: string;
  /** Starts the bundled judge. */
  judge(options: {
    policy: Policy;
    sources: readonly SourceConfig[];
    nodeArgs?: readonly string[];
  }): Promise<Server>;
  /** Starts the baseline, which answers with so many bytes. */
  baseline(answerBytes: number): Promise<Server>;
  close(): void;
}

/** The path's secret; nobody outside of this machine can reach the judge. */
export const secret = "bench".repeat(8);

export async function openBench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  const { file: bundle, bytes: bundleBytes } = await buildBundle();
  const authority = await createAuthority("Gatehouse bench");
  const leaf = await authority.issue({
    commonName: "localhost",
    dnsNames: ["localhost"],
    addresses: ["127.0.0.1"],
  });
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  mkdirSync(join(folder, "ca"));
  write("ca/tls.crt", authority.certificate);
  write("ca/tls.key", authority.key);
  const certificate = write("leaf.crt", leaf.certificate);
  const key = write("leaf.key", leaf.key);
  const secretFile = write("secret", secret);
  let judges = 0;
  return {
    folder,
    bundle,
    bundleBytes,
    ca: authority.certificate,
    async judge({ policy, sources, nodeArgs = [] }) {
      const name = `judge-${(judges += 1)}`;
      const config: GateConfig = {
        version: 1,
        cluster: { name: "bench" },
        mode: "deny",
        policyHash: policyHash(policy),
        platforms: ["linux/amd64"],
        sources: [...sources],
        pin: true,
        excludedNamespaces: [],
        gate: { namespace: "gatehouse", serviceAccount: "gatehouse", service: "gatehouse" },
      };
      return await startServer(
        bundle,
        [
          `--config=${write(`${name}-config.json`, JSON.stringify(config))}`,
          `--policy=${write(`${name}-policy.json`, canonicalJson(policy))}`,
          `--ca=${join(folder, "ca")}`,
          `--secret-file=${secretFile}`,
          "--listen=127.0.0.1:0",
          "--ip=127.0.0.1",
          "--dns=localhost",
          "--no-kubernetes",
        ],
        nodeArgs,
      );
    },
    baseline: (answerBytes) =>
      startServer(join(import.meta.dirname, "baseline-server.ts"), [certificate, key, String(answerBytes)]),
    close: () => rmSync(folder, { recursive: true }),
  };
}
