/**
 * A container over its restarts: prepared, run, probed, ended, started again.
 *
 * @module
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  Container,
  ContainerState,
  ContainerStatus,
  LifecycleHandler,
  Pod,
} from "kubernetes-types/core/v1.d.ts";
import type { ImageCommand } from "../options.ts";
import { argumentsOf } from "./commands.ts";
import { startContainerProcess, type ContainerProcess, type Exit } from "./container-process.ts";
import { environmentOf } from "./environment.ts";
import { askHttp, followProbe, type ProbeTarget } from "./probes.ts";
import type { PodContext } from "./pod-context.ts";
import { rootPlan } from "./root-plan.ts";
import { terminationMessage } from "./termination-message.ts";

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
    await sleep(context.times.relistSeconds * 1000, undefined, { signal: stopping.signal }).catch(
      () => undefined,
    );
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
