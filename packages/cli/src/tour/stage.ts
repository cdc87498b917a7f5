import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** All that judges on this machine share: a folder of their own, the bundle, an authority and the path's secret. */
export interface Stage {
  /** Everything is in here, and goes with it. */
  directory: string;
  /** The judge as it runs in a cluster: one file. */
  bundle: string;
  /** Folder with the authority's certificate and key. */
  authority: string;
  /** File with its certificate, for `curl --cacert`. */
  caFile: string;
  /** Its certificate, PEM. */
  ca: string;
  secret: string;
  secretFile: string;
  /** Has something end before the stage is removed. */
  beforeClose(end: () => Promise<void>): void;
  /** Ends what runs on it and removes it all. */
  close(): Promise<void>;
}

const run = promisify(execFile);

/** Builds the gate's bundle with the webhook's own programs, and makes an authority that only this stage trusts. */
export async function openStage(): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), "gatehouse-"));
  const running = new Set<() => Promise<void>>();
  const at = (name: string) => join(directory, name);
  const stage = {
    directory,
    bundle: at("judge.mjs"),
    authority: at("ca"),
    caFile: join(at("ca"), "tls.crt"),
    secret: randomBytes(16).toString("base64url"),
    secretFile: at("secret"),
    beforeClose: (end: () => Promise<void>) => void running.add(end),
    async close() {
      await Promise.all([...running].map((end) => end()));
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all([
      run(process.execPath, [program("build"), stage.bundle]),
      run(process.execPath, [program("authority"), stage.authority]),
      writeFile(stage.secretFile, `${stage.secret}\n`, { mode: 0o600 }),
    ]);
    return { ...stage, ca: await readFile(stage.caFile, "utf8") };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

function program(name: "build" | "authority"): string {
  return fileURLToPath(import.meta.resolve(`@gatehouse/webhook/${name}`));
}
