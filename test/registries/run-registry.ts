/**
 * Real registries as processes on the loopback interface, each empty and ended with the test.
 * @module
 */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findBinaries } from "../cluster/binaries.ts";
import { startChild } from "../cluster/child.ts";
import type { RegistryProgram } from "../cluster/programs.ts";
import { freePort } from "../free-port.ts";

/** A registry that runs. */
export interface RunningRegistry {
  /** `127.0.0.1:port`. */
  address: string;
  stop(): Promise<void>;
}

/** Starts `program` over plain HTTP, or over TLS with these PEM files' contents. */
export async function runRegistry(
  program: RegistryProgram,
  tls?: { certificate: string; key: string },
): Promise<RunningRegistry> {
  const binaries = await findBinaries([program]);
  const folder = await mkdtemp(join(tmpdir(), "gatehouse-registry-"));
  const address = `127.0.0.1:${await freePort()}`;
  const [certificate, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  if (tls !== undefined) {
    await writeFile(certificate, tls.certificate);
    await writeFile(key, tls.key, { mode: 0o600 });
  }
  const configuration = join(folder, "config.yml");
  await writeFile(
    configuration,
    [
      "version: 0.1",
      "log: { accesslog: { disabled: true }, level: error }",
      `storage: { filesystem: { rootdirectory: ${JSON.stringify(join(folder, "data"))} }, delete: { enabled: true } }`,
      `http: { addr: ${JSON.stringify(address)}${
        tls === undefined ? "" : `, tls: { certificate: ${certificate}, key: ${key} }`
      } }`,
      "",
    ].join("\n"),
  );
  const args =
    program === "distribution"
      ? ["serve", configuration]
      : ["-address", address, ...(tls === undefined ? [] : ["-tls-cert", certificate, "-tls-key", key])];
  let ended: string | undefined;
  const logFile = join(folder, "log");
  const child = startChild({
    name: program,
    command: binaries[program],
    args,
    logFile,
    env: { OTEL_TRACES_EXPORTER: "none" },
    onExit: (reason) => {
      ended = reason;
    },
  });
  for (let attempt = 0; !(await listens(address)); attempt++) {
    if (ended !== undefined || attempt > 200)
      throw new Error(
        `${program} does not listen on ${address}: ${ended ?? (await readFile(logFile, "utf8"))}`,
      );
    await sleep(50);
  }
  return {
    address,
    async stop() {
      await child.stop(2000);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function listens(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = connect(Number(port), hostname);
  const connected = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  });
  socket.destroy();
  return connected;
}

/** Content that was pushed, as a descriptor names it. */
export interface Pushed {
  mediaType: string;
  digest: string;
  size: number;
}

/** Pushes over the distribution protocol, as a client that is none of ours would. */
export function pusher(origin: string, repository: string) {
  const digestOf = (bytes: Uint8Array): string =>
    `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const expectStatus = async (response: Response, status: number): Promise<void> => {
    const text = await response.text();
    if (response.status !== status) throw new Error(`expected ${status}, got ${response.status}: ${text}`);
  };

  async function blob(content: string, mediaType: string): Promise<Pushed> {
    const bytes = new TextEncoder().encode(content);
    const digest = digestOf(bytes);
    const started = await fetch(`${origin}/v2/${repository}/blobs/uploads/`, { method: "POST" });
    await expectStatus(started, 202);
    const place = new URL(started.headers.get("location") ?? "", origin);
    place.searchParams.set("digest", digest);
    await expectStatus(
      await fetch(place, {
        method: "PUT",
        body: bytes,
        headers: { "content-type": "application/octet-stream" },
      }),
      201,
    );
    return { mediaType, digest, size: bytes.byteLength };
  }

  async function manifest(content: { mediaType: string }, tag?: string): Promise<Pushed> {
    const bytes = new TextEncoder().encode(JSON.stringify(content));
    const digest = digestOf(bytes);
    const response = await fetch(`${origin}/v2/${repository}/manifests/${tag ?? digest}`, {
      method: "PUT",
      body: bytes,
      headers: { "content-type": content.mediaType },
    });
    await expectStatus(response, 201);
    return { mediaType: content.mediaType, digest, size: bytes.byteLength };
  }

  const manifestType = "application/vnd.oci.image.manifest.v1+json";
  const indexType = "application/vnd.oci.image.index.v1+json";
  return {
    async image(platform: string, tag?: string): Promise<Pushed> {
      const [os, architecture] = platform.split("/");
      const created = "2026-11-01T00:00:00Z";
      const config = await blob(
        JSON.stringify({ os, architecture, created, rootfs: { type: "layers", diff_ids: [] } }),
        "application/vnd.oci.image.config.v1+json",
      );
      const layers = [await blob(`layer of ${platform}`, "application/vnd.oci.image.layer.v1.tar")];
      return await manifest({ schemaVersion: 2, mediaType: manifestType, config, layers } as never, tag);
    },
    async index(children: readonly (Pushed & { platform: string })[], tag?: string): Promise<Pushed> {
      const manifests = children.map(({ platform, ...child }) => {
        const [os, architecture] = platform.split("/");
        return { ...child, platform: { os, architecture } };
      });
      return await manifest({ schemaVersion: 2, mediaType: indexType, manifests } as never, tag);
    },
    /** Attaches a document; for a registry without the referrers API also under the fallback tag. */
    async attach(subject: Pushed, artifactType: string, content: string, fallback: boolean): Promise<Pushed> {
      const attached = await manifest({
        schemaVersion: 2,
        mediaType: manifestType,
        artifactType,
        config: await blob("{}", "application/vnd.oci.empty.v1+json"),
        layers: [await blob(content, artifactType)],
        subject,
      } as never);
      if (fallback)
        await manifest(
          { schemaVersion: 2, mediaType: indexType, manifests: [{ ...attached, artifactType }] } as never,
          subject.digest.replace(":", "-"),
        );
      return attached;
    },
  };
}
