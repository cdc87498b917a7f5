/**
 * A container's last words.
 *
 * @module
 */
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Container } from "kubernetes-types/core/v1.d.ts";
import type { PodContext } from "./pod-context.ts";

/** The termination message, at most 4096 bytes; where asked for, the log's last 2048 bytes or 80 lines after an error. */
export async function terminationMessage(
  { folder }: PodContext,
  container: Container,
  run: number,
  code: number,
  logFile: string,
): Promise<string> {
  const own = await readFile(join(folder, "messages", `${container.name}-${run}`)).catch(() =>
    Buffer.alloc(0),
  );
  if (own.length > 0) return own.subarray(0, 4096).toString("utf8");
  if (code === 0 || container.terminationMessagePolicy !== "FallbackToLogsOnError") return "";
  const file = await open(logFile).catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, 2048));
    await file.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8").split("\n").slice(-81).join("\n");
  } finally {
    await file.close();
  }
}
