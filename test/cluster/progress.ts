/**
 * Tells a person how far the first build is.
 *
 * @module
 */
import type { BuildProgress } from "./go-build.ts";

/** One line on a build, such as `Building kube-apiserver: 310 packages compiled (it has 1714), 42 s`. */
export function progressLine({
  program,
  compiled,
  packages,
  elapsedMilliseconds,
  done,
}: BuildProgress): string {
  const seconds = Math.round(elapsedMilliseconds / 1000);
  const time = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (done) return `Built ${program} in ${time}, ${compiled} packages compiled.`;
  return `Building ${program}: ${compiled} packages compiled (it has ${packages}), ${time}`;
}

/**
 * Writes progress to a stream: on a terminal one line that changes, elsewhere a line every 15 s. The first line says that
 * this is done once.
 */
export function reportProgress(stream: NodeJS.WriteStream): (progress: BuildProgress) => void {
  let announced = false;
  let last = Number.NEGATIVE_INFINITY;
  return (progress) => {
    if (!announced) {
      stream.write(
        "The control plane is built from source once; that takes about ten minutes on two cores.\n",
      );
      announced = true;
    }
    const line = progressLine(progress);
    if (stream.isTTY) stream.write(`\r\x1b[2K${line}${progress.done ? "\n" : ""}`);
    else if (progress.done || performance.now() - last > 15_000) {
      last = performance.now();
      stream.write(`${line}\n`);
    }
  };
}
