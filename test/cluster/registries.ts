/**
 * Container registries as real servers: on this machine's loopback, or in a cluster's network by `Cluster.run`.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findBinaries } from "./binaries.ts";
import type { KeyPair } from "./certificates.ts";
import { startChild } from "./child.ts";
import type { BuildProgress } from "./go-build.ts";
import type { RegistryProgram } from "./programs.ts";
import { freePort } from "../free-port.ts";

export interface RegistryOptions {
  /** Address and port to listen on, such as `10.200.1.1:443`. */
  readonly address: string;
  /** Folder for the registry's files. */
  readonly folder: string;
  /** Serves TLS with this; plain HTTP without. */
  readonly tls?: KeyPair;
  readonly onBuild?: (progress: BuildProgress) => void;
}

/** How to start a registry: what `Cluster.run` takes beside a name and addresses. */
export interface RegistryCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * Prepares a registry that starts empty and stores nothing beyond its own life. `distribution` has no referrers
 * interface; `referrers` has one, but reports the config's media type as artifactType and ignores its filter.
 */
export async function registryCommand(
  kind: RegistryProgram,
  { address, folder, tls, onBuild }: RegistryOptions,
): Promise<RegistryCommand> {
  const binaries = await findBinaries([kind], onBuild);
  await mkdir(folder, { recursive: true });
  const certificate = join(folder, "tls.crt");
  const key = join(folder, "tls.key");
  if (tls !== undefined) {
    await writeFile(certificate, tls.certificate);
    await writeFile(key, tls.key, { mode: 0o600 });
  }
  if (kind === "referrers") {
    const flags = tls === undefined ? [] : ["-tls-cert", certificate, "-tls-key", key];
    return { command: binaries[kind], args: ["-address", address, ...flags] };
  }
  const config = {
    version: 0.1,
    log: { level: "warn" },
    storage: { inmemory: {}, delete: { enabled: true } },
    http: { addr: address, ...(tls !== undefined && { tls: { certificate, key } }) },
  };
  await writeFile(join(folder, "config.yml"), JSON.stringify(config));
  return { command: binaries[kind], args: ["serve", join(folder, "config.yml")] };
}

/** A registry on 127.0.0.1, plain HTTP. */
export interface LocalRegistry {
  /** Host and port, such as `127.0.0.1:40123`. */
  readonly host: string;
  stop(): Promise<void>;
}

/** Starts a registry on a free port of the loopback and resolves when it answers. */
export async function startRegistry(
  kind: RegistryProgram,
  onBuild?: (progress: BuildProgress) => void,
): Promise<LocalRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  const command = await registryCommand(kind, { address: host, folder, ...(onBuild && { onBuild }) });
  let failure: string | undefined;
  const logFile = join(folder, "log");
  // The kernel ends the registry with this process, also when that is killed.
  const args = ["--pdeathsig", "KILL", "--", command.command, ...command.args];
  const onExit = (reason: string) => (failure = reason);
  const child = startChild({ command: "setpriv", args, name: kind, logFile, onExit });
  const kill = () => void child.stop(0);
  process.once("exit", kill);
  const stop = async () => {
    process.removeListener("exit", kill);
    await child.stop(5000);
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + 10_000;
  while (!(await answers(host))) {
    if (failure !== undefined || Date.now() > deadline) {
      await stop();
      throw new Error(failure ?? `${kind} does not answer on ${host} within 10 s`);
    }
    await sleep(50);
  }
  return { host, stop };
}

function answers(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(`http://${host}/v2/`, { agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once("error", () => resolve(false));
    call.end();
  });
}
