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

/** Where kubectl finds what it needs of its user. */
export interface KubectlPlaces {
  /** As in KUBECONFIG: a file, or several. */
  readonly kubeconfig: string;
  /** The home of the user. */
  readonly home: string;
  /** Where it keeps what it has learned of API servers, so that nothing is written elsewhere. */
  readonly cache: string;
}

/** Runs kubectl. */
export async function runKubectl(
  kubectl: string,
  { kubeconfig, home, cache }: KubectlPlaces,
  args: readonly string[],
  input = "",
): Promise<KubectlResult> {
  const child = spawn(kubectl, args, {
    env: { ...process.env, KUBECONFIG: kubeconfig, HOME: home, KUBECACHEDIR: cache },
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
