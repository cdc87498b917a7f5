/**
 * Builds one Go program and says how far it is: the control plane takes minutes the first time.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { GoPackage } from "./programs.ts";

/** How far a build is; told at most once a second, and once at its end. */
export interface BuildProgress {
  /** Name of the program, such as `kube-apiserver`. */
  readonly program: string;
  /** Packages compiled so far; those in Go's own build cache are not compiled again and not counted. */
  readonly compiled: number;
  /** Packages that the program consists of: what `compiled` can reach at most. */
  readonly packages: number;
  readonly elapsedMilliseconds: number;
  readonly done: boolean;
}

/**
 * Runs `go build` for `goPackage` into the file `output`, statically linked.
 * @throws when Go is missing or the build fails; the message ends in the compiler's own last lines.
 */
export async function goBuild(
  program: string,
  goPackage: GoPackage,
  output: string,
  onProgress: (progress: BuildProgress) => void,
): Promise<void> {
  const start = performance.now();
  let packages = 0;
  let compiled = 0;
  const tell = (done: boolean) =>
    onProgress({ program, compiled, packages, elapsedMilliseconds: performance.now() - start, done });

  await go(
    goPackage.folder,
    ["list", "-deps", goPackage.path],
    () => packages++,
    () => undefined,
  );
  const timer = setInterval(() => tell(false), 1000);
  try {
    const flags = ["-trimpath", "-buildvcs=false", "-v", "-ldflags", goPackage.linkerFlags];
    await go(
      goPackage.folder,
      ["build", ...flags, "-o", output, goPackage.path],
      () => undefined,
      () => compiled++,
    );
  } finally {
    clearInterval(timer);
  }
  tell(true);
}

/** What `go version` prints, or undefined where there is no Go. */
export async function goVersion(): Promise<string | undefined> {
  let version = "";
  try {
    await go(
      import.meta.dirname,
      ["version"],
      (line) => (version += line),
      () => undefined,
    );
  } catch {
    return undefined;
  }
  return version;
}

function go(
  folder: string,
  args: readonly string[],
  onOutput: (line: string) => void,
  onError: (line: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("go", args, {
      cwd: folder,
      env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const last: string[] = [];
    createInterface({ input: child.stdout }).on("line", onOutput);
    createInterface({ input: child.stderr }).on("line", (line) => {
      last.push(line);
      if (last.length > 20) last.shift();
      onError(line);
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`go ${args[0]} in ${folder} ended with ${signal ?? code}:\n${last.join("\n")}`));
    });
  });
}
