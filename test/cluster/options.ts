/**
 * What a cluster can be started with.
 *
 * @module
 */

/** A node that the Pod runner registers. */
export interface NodeSpec {
  /** @default `node-1`, `node-2`, … */
  readonly name?: string;
  /** @default that of this machine; another one is only good for Pods without a process */
  readonly architecture?: "amd64" | "arm64";
  /** @default "linux" */
  readonly os?: "linux" | "windows";
  /** Further labels; arch, os and hostname are always there. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** How the containers of an image are run: what the image's configuration and content would have said. */
export interface ImageCommand {
  /** Image reference; `*` only as the last character. The first entry that matches counts. */
  readonly image: string;
  /** The image's ENTRYPOINT, as seen inside the container; a Pod's `command` takes its place. */
  readonly entrypoint: readonly string[];
  /** The image's CMD; a Pod's `args` (or `command`) takes its place. */
  readonly cmd?: readonly string[];
  /** The image's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The image's working directory. @default "/" */
  readonly workingDir?: string;
  /** The image's user. @default 0 */
  readonly user?: number;
  /** Files or folders of this machine that stand for the image's content: path inside → path here; read-only. */
  readonly files?: Readonly<Record<string, string>>;
}

/** How fast the Pod runner does what a kubelet does slowly. */
export interface RunnerTimes {
  /** Wait before the second restart of a container, doubled at each further one up to 5 min; a kubelet's is 10. */
  readonly backOffSeconds: number;
  /** How often ConfigMaps and Secrets in volumes are read again; a kubelet's is about 60. */
  readonly volumeRefreshSeconds: number;
  /** How long nobody has noticed yet that a process died by itself; a kubelet looks every second. */
  readonly relistSeconds: number;
}

/** The machine's architecture as Kubernetes calls it. */
export function machineArchitecture(): "amd64" | "arm64" {
  if (process.arch === "x64") return "amd64";
  if (process.arch === "arm64") return "arm64";
  throw new Error(`the cluster runs on x64 and arm64, not on ${process.arch}`);
}

/** Distroless Node images, run by the Node that runs this. */
export function distrolessNode(): ImageCommand[] {
  const base = { entrypoint: ["/nodejs/bin/node"], files: { "/nodejs/bin/node": process.execPath } };
  return [
    { ...base, image: "gcr.io/distroless/nodejs24-debian12:nonroot*", user: 65_532 },
    { ...base, image: "gcr.io/distroless/nodejs24*" },
  ];
}
