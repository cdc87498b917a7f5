/**
 * kubectl as the client of a test.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** How a kubectl ended. */
export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl with a kubeconfig; its caches go to `folder` instead of the user's home. */
export async function runKubectl(
  kubectl: string,
  kubeconfig: string,
  folder: string,
  args: readonly string[],
  input = "",
): Promise<KubectlResult> {
  const child = spawn(kubectl, args, {
    env: { ...process.env, KUBECONFIG: kubeconfig, HOME: folder, KUBECACHEDIR: `${folder}/kubectl-cache` },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { code: code ?? 1, stdout, stderr };
}
