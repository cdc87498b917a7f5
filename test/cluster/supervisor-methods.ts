/**
 * What the supervisor inside the namespace offers to the process that asked for the cluster, and the reverse.
 *
 * @module
 */
import type { Binaries } from "./binaries.ts";
import type { Credentials } from "./control-plane.ts";
import type { Cut } from "./network.ts";
import type { ImageCommand, NodeSpec, RunnerTimes } from "./options.ts";
import type { ControlPlaneProgram } from "./programs.ts";

/** How the supervisor is to set the cluster up. */
export interface Boot {
  /** Folder that the cluster owns; the supervisor removes it when it ends. */
  readonly folder: string;
  readonly binaries: Binaries<ControlPlaneProgram>;
  readonly apiServerArgs: readonly string[];
  readonly nodes: readonly NodeSpec[];
  readonly commands: readonly ImageCommand[];
  readonly times: RunnerTimes;
}

/** A container in a Pod, for helpers of tests. */
export interface ContainerName {
  readonly namespace: string;
  readonly pod: string;
  /** The first container when left out. */
  readonly container?: string;
}

/** A program that runs beside the cluster, in its network but in no Pod. */
export interface ExtraProgram {
  /** Its name, unique in the cluster: its log file is called so. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Addresses that it listens on, of `outsideNetwork`; they are added to the namespace. */
  readonly addresses?: readonly string[];
}

export type SupervisorMethods = {
  boot(boot: Boot): Promise<{ readonly admin: Credentials }>;
  startControlPlane(none: null): Promise<void>;
  stopControlPlane(options: { readonly graceMilliseconds: number }): Promise<void>;
  startNodes(none: null): Promise<void>;
  killNodes(none: null): Promise<void>;
  /** Listens on the Unix socket `path` and dials the address inside. */
  forward(options: { readonly path: string; readonly host: string; readonly port: number }): Promise<void>;
  /** Listens on the address inside and dials the Unix socket `path`. */
  publish(options: { readonly path: string; readonly host: string; readonly port: number }): Promise<void>;
  unpublish(options: { readonly host: string; readonly port: number }): Promise<void>;
  setHostName(options: { readonly name: string; readonly address: string }): Promise<void>;
  runProgram(program: ExtraProgram): Promise<void>;
  stopProgram(options: { readonly name: string; readonly graceMilliseconds: number }): Promise<void>;
  cut(cut: Cut): Promise<void>;
  heal(cut: Cut): Promise<void>;
  signal(options: ContainerName & { readonly signal: NodeJS.Signals }): Promise<void>;
  logFile(options: ContainerName & { readonly previous?: boolean }): Promise<string>;
};

export type OwnerMethods = {
  /** Something that the user of the cluster should know, such as a program of the control plane that died. */
  notice(message: string): Promise<void>;
  /** The digest, `sha256:…`, that an image reference stands for at this moment. */
  resolveImage(reference: string): Promise<string>;
};
