/**
 * A container over its restarts: prepared, run, probed, ended, started again.
 *
 * @module
 */
import { mkdir, open, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  Container,
  ContainerState,
  ContainerStatus,
  LifecycleHandler,
  Pod,
} from "kubernetes-types/core/v1.d.ts";
import type { ImageCommand, RunnerTimes } from "../options.ts";
import { argumentsOf } from "./commands.ts";
import { startContainerProcess, type ContainerProcess, type Exit } from "./container-process.ts";
import { environmentOf } from "./environment.ts";
import type { PodFacts } from "./fields.ts";
import { defaultCapabilities, volumeKind } from "./honour.ts";
import { runAs } from "./identity.ts";
import type { Objects } from "./objects.ts";
import { askHttp, followProbe, type ProbeTarget } from "./probes.ts";
import type { Mount, RootPlan, Tools } from "./root.ts";
import type { Volumes } from "./volumes.ts";

/** What the containers of one Pod share. */
export interface PodContext {
  readonly pod: Pod;
  readonly facts: PodFacts;
  readonly objects: Objects;
  readonly volumes: Volumes;
  /** The Pod's folder. */
  readonly folder: string;
  readonly networkNamespace: string;
  /** Files that every container gets, such as /etc/hosts. */
  readonly etc: readonly Mount[];
  readonly tools: Tools;
  readonly times: RunnerTimes;
  readonly resolveImage: (reference: string) => Promise<string>;
  /** Called after every change of a container's status. */
  readonly onChange: () => void;
}

export interface ContainerOptions {
  readonly container: Container;
  /** How its image is run; undefined: without a process. */
  readonly command: ImageCommand | undefined;
  /** `Always`, `OnFailure` or `Never`, for this container. */
  readonly restartPolicy: string;
  /** Runs that it has had before this runner took over. */
  readonly restarts: number;
}

/** A container and its current status. */
export interface ContainerRun {
  readonly name: string;
  status(): ContainerStatus;
  /** Resolves when it has ended for good, with its last exit. */
  readonly finished: Promise<Exit>;
  /** Sends a signal to its process, if it runs. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Ends it for good: preStop, its stop signal, and SIGKILL after `graceSeconds`. */
  stop(graceSeconds: number): Promise<void>;
  /** The file with what it has written, now or before its last restart. */
  logFile(previous: boolean): string;
}

/** Starts a container; it is started again by its policy until it is stopped. */
export function runContainer(context: PodContext, options: ContainerOptions): ContainerRun {
  const { container, command } = options;
  const { name } = container;
  const stopping = new AbortController();
  let restarts = options.restarts;
  let state: ContainerState = { waiting: { reason: "ContainerCreating" } };
  let lastState: ContainerState | undefined;
  let ready = false;
  let started = false;
  let imageId = "";
  let process: ContainerProcess | undefined;

  const logFile = (run: number) => join(context.folder, "logs", `${name}-${run}.log`);
  function set(next: ContainerState, flags: { ready: boolean; started: boolean }): void {
    state = next;
    ({ ready, started } = flags);
    context.onChange();
  }
  const off = { ready: false, started: false };

  /** Prepares and starts one run; what is missing is waited for. Undefined when stopped before. */
  async function start(image: ImageCommand): Promise<ContainerProcess | undefined> {
    while (!stopping.signal.aborted) {
      try {
        await context.volumes.refresh();
        imageId = await imageIdOf(container, context);
        const environment = await environmentOf(
          context.pod,
          container,
          image,
          context.facts,
          context.objects,
        );
        return await startContainerProcess(
          {
            root: await rootPlan(context, container, image, restarts),
            argv: argumentsOf(image, container, environment),
            environment,
            networkNamespace: context.networkNamespace,
            logFile: logFile(restarts),
          },
          context.tools,
        );
      } catch (error) {
        set({ waiting: { reason: "CreateContainerConfigError", message: (error as Error).message } }, off);
        await sleep(1000, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  /** One run, from its start to its exit, with its probes. */
  async function once(image: ImageCommand): Promise<Exit | undefined> {
    const current = await start(image);
    if (current === undefined) return undefined;
    process = current;
    // Asked to stop while it was being prepared: nobody has ended it yet.
    if (stopping.signal.aborted) void end(current, 0);
    const startedAt = new Date().toISOString();
    const isStarted = container.startupProbe === undefined;
    set(
      { running: { startedAt } },
      { started: isStarted, ready: isStarted && container.readinessProbe === undefined },
    );
    const ended = new AbortController();
    const probes = follow(current, ended.signal);
    const exit = await current.exited;
    process = undefined;
    ended.abort();
    await probes;
    const terminated = {
      exitCode: exit.code,
      reason: exit.code === 0 ? "Completed" : "Error",
      message: await terminationMessage(context, container, restarts, exit.code, logFile(restarts)),
      startedAt,
      finishedAt: new Date().toISOString(),
      containerID: `process://${context.pod.metadata?.uid}/${name}/${restarts}`,
    };
    set({ terminated }, off);
    return exit;
  }

  async function follow(current: ContainerProcess, signal: AbortSignal): Promise<void> {
    const target: ProbeTarget = { podIp: context.facts.podIp, container, process: current };
    const { startupProbe, livenessProbe, readinessProbe } = container;
    if (startupProbe) {
      const startup = new AbortController();
      await followProbe(startupProbe, target, AbortSignal.any([signal, startup.signal]), (result) => {
        if (result) startup.abort();
        else void end(current, graceOf(context.pod));
      });
      if (signal.aborted) return;
      set(state, { started: true, ready: readinessProbe === undefined });
    }
    const followed: Promise<void>[] = [];
    if (livenessProbe) {
      followed.push(
        followProbe(livenessProbe, target, signal, (result) => {
          const grace = livenessProbe.terminationGracePeriodSeconds ?? graceOf(context.pod);
          if (!result) void end(current, grace);
        }),
      );
    }
    if (readinessProbe) {
      followed.push(
        followProbe(readinessProbe, target, signal, (result) => {
          if (result !== ready) set(state, { started: true, ready: result });
        }),
      );
    }
    await Promise.all(followed);
  }

  /** preStop, then the stop signal, then SIGKILL; all within the grace, as a kubelet counts it. */
  async function end(current: ContainerProcess, graceSeconds: number): Promise<void> {
    const over = sleep(graceSeconds * 1000, "over" as const, { ref: false });
    if (graceSeconds > 0) {
      const handler = container.lifecycle?.preStop;
      if (handler) await Promise.race([runHandler(handler, context, container, current, graceSeconds), over]);
      await current.signal("SIGTERM");
      if ((await Promise.race([current.exited, over])) !== "over") return;
    }
    await current.signal("SIGKILL");
    await current.exited;
  }

  async function loop(image: ImageCommand): Promise<Exit> {
    let wait = 0;
    for (;;) {
      const begin = Date.now();
      const exit = await once(image);
      if (exit === undefined) return { code: 0 };
      const again =
        options.restartPolicy === "Always" || (options.restartPolicy === "OnFailure" && exit.code !== 0);
      if (stopping.signal.aborted || !again) return exit;
      lastState = state;
      // A kubelet restarts at once the first time, and forgets its back-off after ten minutes without a failure.
      if (Date.now() - begin > 600_000) wait = 0;
      if (wait > 0) {
        const message = `back-off ${wait}s restarting failed container=${name}`;
        set({ waiting: { reason: "CrashLoopBackOff", message } }, off);
        await sleep(wait * 1000, undefined, { signal: stopping.signal }).catch(() => undefined);
        if (stopping.signal.aborted) {
          state = lastState;
          return exit;
        }
      }
      wait = wait === 0 ? context.times.backOffSeconds : Math.min(wait * 2, 300);
      restarts++;
    }
  }

  /** A container without a command runs and is ready until it is stopped. */
  async function withoutProcess(): Promise<Exit> {
    while (imageId === "" && !stopping.signal.aborted) {
      try {
        imageId = await imageIdOf(container, context);
      } catch (error) {
        set({ waiting: { reason: "ErrImagePull", message: (error as Error).message } }, off);
        await sleep(1000, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
    const startedAt = new Date().toISOString();
    set({ running: { startedAt } }, { ready: true, started: true });
    if (!stopping.signal.aborted)
      await new Promise((resolve) => stopping.signal.addEventListener("abort", resolve));
    set(
      { terminated: { exitCode: 0, reason: "Completed", startedAt, finishedAt: new Date().toISOString() } },
      off,
    );
    return { code: 0 };
  }

  const finished = command === undefined ? withoutProcess() : loop(command);
  return {
    name,
    finished,
    status: () => ({
      name,
      image: container.image ?? "",
      imageID: imageId,
      ready,
      started,
      restartCount: restarts,
      state,
      ...(lastState !== undefined && { lastState }),
      ...(imageId !== "" && { containerID: `process://${context.pod.metadata?.uid}/${name}/${restarts}` }),
    }),
    signal: async (signal) => process?.signal(signal),
    stop: async (graceSeconds) => {
      stopping.abort();
      if (process !== undefined) await end(process, graceSeconds);
      await finished;
    },
    logFile: (previous) => logFile(previous ? restarts - 1 : restarts),
  };
}

/** A Pod's own termination grace period, in seconds. */
export function graceOf(pod: Pod): number {
  return pod.spec?.terminationGracePeriodSeconds ?? 30;
}

/** The repository of a container's image with the digest that it stands for now. */
async function imageIdOf({ image = "" }: Container, { resolveImage }: PodContext): Promise<string> {
  const repository = (image.split("@")[0] ?? "").replace(/:[^/:]*$/u, "");
  return `${repository}@${await resolveImage(image)}`;
}

async function rootPlan(
  context: PodContext,
  container: Container,
  image: ImageCommand,
  run: number,
): Promise<RootPlan> {
  const { pod } = context;
  const security = container.securityContext ?? {};
  const folder = join(context.folder, "roots", container.name);
  const message = join(context.folder, "messages", `${container.name}-${run}`);
  await mkdir(folder, { recursive: true });
  await mkdir(join(context.folder, "messages"), { recursive: true });
  await writeFile(message, "");
  const mounts: Mount[] = [
    ...context.etc,
    {
      source: message,
      path: container.terminationMessagePath ?? "/dev/termination-log",
      readOnly: false,
      isFile: true,
    },
  ];
  for (const [path, source] of Object.entries(image.files ?? {})) {
    mounts.push({ source, path, readOnly: true, isFile: (await stat(source)).isFile() });
  }
  for (const { name, mountPath, subPath, readOnly = false } of container.volumeMounts ?? []) {
    const volume = pod.spec?.volumes?.find((candidate) => candidate.name === name);
    if (volume === undefined) throw new Error(`volumeMounts[${name}]: no such volume`);
    const isScratch = volumeKind(volume) === "emptyDir";
    let source = context.volumes.pathOf(name);
    if (subPath !== undefined) {
      source = join(source, subPath);
      if (isScratch) await mkdir(source, { recursive: true });
      source = await realpath(source);
    }
    mounts.push({
      source,
      path: mountPath,
      readOnly: readOnly || !isScratch,
      isFile: (await stat(source)).isFile(),
    });
  }
  await makeNestedMountpoints(mounts);
  const { add = [], drop = [] } = security.capabilities ?? {};
  const kept = drop.includes("ALL") ? [] : defaultCapabilities.filter((name) => !drop.includes(name));
  return {
    folder,
    hostname: pod.spec?.hostname ?? (pod.metadata?.name ?? "").slice(0, 63),
    mounts,
    readOnlyRoot: security.readOnlyRootFilesystem ?? false,
    workingDir: container.workingDir ?? image.workingDir ?? "/",
    ...runAs(pod, container, image.user ?? 0),
    capabilities: [...new Set([...kept, ...add])],
    noNewPrivileges: security.allowPrivilegeEscalation === false,
  };
}

/** Makes the places where mounts go within other mounts, in what those show, as a kubelet does: they may be read-only. */
async function makeNestedMountpoints(mounts: readonly Mount[]): Promise<void> {
  for (const inner of mounts) {
    const outer = mounts
      .filter(({ path, isFile }) => !isFile && inner.path.startsWith(`${path.replace(/\/$/u, "")}/`))
      .toSorted((a, b) => b.path.length - a.path.length)[0];
    if (outer === undefined) continue;
    const place = join(outer.source, inner.path.slice(outer.path.length));
    await mkdir(inner.isFile ? dirname(place) : place, { recursive: true });
    if (inner.isFile) await writeFile(place, "", { flag: "a" });
  }
}

async function runHandler(
  handler: LifecycleHandler & { readonly sleep?: { readonly seconds: number } },
  { facts }: PodContext,
  container: Container,
  process: ContainerProcess,
  graceSeconds: number,
): Promise<void> {
  const timeout = graceSeconds * 1000;
  if (handler.exec) await process.exec(handler.exec.command ?? [], timeout);
  else if (handler.httpGet) await askHttp(handler.httpGet, { podIp: facts.podIp, container }, timeout);
  else if (handler.sleep) await sleep(handler.sleep.seconds * 1000, undefined, { ref: false });
}

/** The termination message, at most 4096 bytes; where asked for, the log's last 2048 bytes or 80 lines after an error. */
async function terminationMessage(
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
