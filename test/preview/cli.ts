/** The command line as its users run it, in a process of its own. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Cluster } from "../cluster/cluster.ts";

const main = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
const run = promisify(execFile);

/** How a command ended. */
export interface Ran {
  status: number;
  out: string;
  /** Standard error. */
  notes: string;
}

/** Runs `gatehouse` with the cluster's kubeconfig. Rejects on no exit status: look at it. */
export async function gatehouse(cluster: Pick<Cluster, "kubeconfig">, ...args: string[]): Promise<Ran> {
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, NO_COLOR: "1" };
  try {
    const { stdout, stderr } = await run(process.execPath, [main, ...args], {
      env,
      maxBuffer: 256 * 1024 * 1024,
    });
    return { status: 0, out: stdout, notes: stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== "number") throw error;
    return { status: code, out: stdout, notes: stderr };
  }
}
