/**
 * One Pod on a node, from its binding to its end.
 *
 * @module
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  Container,
  ContainerStatus,
  EphemeralContainer,
  Pod,
  PodCondition,
  PodStatus,
} from "kubernetes-types/core/v1.d.ts";
import { ApiError, type ApiClient } from "../api.ts";
import type { Network } from "../network.ts";
import type { ImageCommand, RunnerTimes } from "../options.ts";
import { commandFor } from "./commands.ts";
import { graceOf, runContainer, type ContainerRun } from "./container.ts";
import type { PodContext } from "./pod-context.ts";
import { etcFiles, writeEtcFiles } from "./etc-files.ts";
import { refusedInContainer, refusedInPod } from "./honour.ts";
import { createObjects } from "./objects.ts";
import type { Tools } from "./root.ts";
import { podStatus } from "./status.ts";
import { createStatusWriter } from "./status-writer.ts";
import { nameOf, podPath, uidOf } from "./types.ts";
import { createVolumes } from "./volumes.ts";

/** What all Pods of a runner share. */
export interface RunnerContext {
  readonly api: ApiClient;
  readonly network: Network;
  readonly tools: Tools;
  readonly folder: string;
  readonly commands: readonly ImageCommand[];
  readonly times: RunnerTimes;
  readonly resolveImage: (reference: string) => Promise<string>;
  readonly notice: (message: string) => void;
}

/** A Pod that is being run. */
export interface PodWorker {
  /** The Pod as the API server has it now; a deletion mark starts its end. */
  update(pod: Pod): void;
  /** The Pod is gone from the API server: its processes end at once. */
  gone(): void;
  /** Ends its processes as a power cut does, and tells nobody. */
  kill(): Promise<void>;
  container(name?: string): ContainerRun | undefined;
  /** Resolves when nothing of the Pod is left. */
  readonly ended: Promise<void>;
}

/** Runs `initial`, which is bound to a node with `hostIp`, under `podIp`. */
export function runPod(context: RunnerContext, initial: Pod, podIp: string, hostIp: string): PodWorker {
  const { api, network } = context;
  const folder = join(context.folder, uidOf(initial));
  const facts = { podIp, hostIp };
  const startTime = initial.status?.startTime ?? new Date().toISOString();
  const isIdle = [...(initial.spec?.initContainers ?? []), ...(initial.spec?.containers ?? [])].every(
    ({ image = "" }) => commandFor(context.commands, image) === undefined,
  );
  const stopping = new AbortController();
  const runs = new Map<string, ContainerRun>();
  let pod = initial;
  let initialized = (initial.spec?.initContainers ?? []).length === 0;
  let refused: string[] = [];
  let networkNamespace = "";
  let conditions: readonly PodCondition[] = initial.status?.conditions ?? [];
  let grace = graceOf(initial);
  let silent = false;
  let refresh: NodeJS.Timeout | undefined;
  let shared: PodContext | undefined;

  const writer = createStatusWriter(
    api,
    initial,
    (): PodStatus => {
      const status = podStatus(
        pod,
        {
          init: (pod.spec?.initContainers ?? []).map(statusOf),
          main: (pod.spec?.containers ?? []).map(statusOf),
          ephemeral: (pod.spec?.ephemeralContainers ?? []).map(statusOf),
          initialized,
          facts,
          startTime,
        },
        conditions,
        new Date(),
      );
      conditions = status.conditions ?? [];
      return status;
    },
    context.notice,
  );

  function statusOf({ name, image = "" }: Pick<Container, "name" | "image">): ContainerStatus {
    const run = runs.get(name);
    if (run !== undefined) return run.status();
    const waiting =
      refused.length > 0
        ? {
            reason: "CreateContainerConfigError",
            message: `this Pod runner cannot honour ${refused.join("; ")}`,
          }
        : { reason: initialized ? "ContainerCreating" : "PodInitializing" };
    return { name, image, imageID: "", ready: false, started: false, restartCount: 0, state: { waiting } };
  }

  function start(
    container: Container,
    command: ImageCommand | undefined,
    restartPolicy: string,
    before: readonly ContainerStatus[] = [],
  ) {
    const known = before.find(({ name }) => name === container.name);
    const wasStarted = known?.containerID !== undefined && known.containerID !== "";
    const run = runContainer(podContext(), {
      container,
      command,
      restartPolicy,
      restarts: wasStarted ? known.restartCount + 1 : 0,
    });
    runs.set(container.name, run);
    return run;
  }

  function podContext(): PodContext {
    const objects = createObjects(api, nameOf(initial).namespace);
    shared ??= {
      pod: initial,
      facts,
      objects,
      volumes: createVolumes({ api, objects, pod: initial, facts, folder: join(folder, "volumes") }),
      folder,
      networkNamespace,
      etc: etcFiles(folder),
      tools: context.tools,
      times: context.times,
      resolveImage: context.resolveImage,
      onChange: () => writer.changed(),
    };
    return shared;
  }

  async function prepare(): Promise<void> {
    await mkdir(join(folder, "logs"), { recursive: true });
    if (isIdle) return;
    networkNamespace = await network.addPod(podIp);
    await writeEtcFiles(folder, initial, podIp);
    const { volumes } = podContext();
    refresh = setInterval(() => {
      void volumes.refresh().catch((error: unknown) => {
        // A kubelet keeps the last state too. An API server that does not answer needs no second notice.
        if (error instanceof ApiError && error.status === 0) return;
        context.notice(`${podPath(initial)}: volumes not refreshed: ${(error as Error).message}`);
      });
    }, context.times.volumeRefreshSeconds * 1000);
  }

  /** Runs the containers to their end; resolves when none is left to start again. */
  async function live(): Promise<void> {
    refused = isIdle ? [] : problemsOf(initial, context.commands);
    writer.changed();
    if (refused.length > 0) return;
    await prepare();
    const policy = initial.spec?.restartPolicy ?? "Always";
    for (const container of initial.spec?.initContainers ?? []) {
      if (stopping.signal.aborted) return;
      const command = commandFor(context.commands, container.image ?? "");
      const again = policy === "Always" ? "OnFailure" : policy;
      const run = start(container, command, again, initial.status?.initContainerStatuses);
      // An init container without a process has nothing to do, and is done.
      if (command === undefined) await run.stop(0);
      const exit = await run.finished;
      if (exit.code !== 0) return;
    }
    initialized = true;
    if (stopping.signal.aborted) return;
    const main = (initial.spec?.containers ?? []).map((container) =>
      start(
        container,
        commandFor(context.commands, container.image ?? ""),
        policy,
        initial.status?.containerStatuses,
      ),
    );
    startEphemeral();
    writer.changed();
    await Promise.all(main.map((run) => run.finished));
  }

  /** Ephemeral containers come by updates of a running Pod. They get a status and, whatever their image, no process. */
  function startEphemeral(): void {
    if (!initialized || stopping.signal.aborted || refused.length > 0) return;
    for (const container of pod.spec?.ephemeralContainers ?? []) {
      if (runs.has(container.name)) continue;
      start(asContainer(container), undefined, "Never");
      writer.changed();
    }
  }

  async function life(): Promise<void> {
    const over = initial.status?.phase === "Succeeded" || initial.status?.phase === "Failed";
    const living = over
      ? Promise.resolve()
      : live().catch((error: unknown) => context.notice(`${podPath(initial)}: ${(error as Error).message}`));
    await aborted(stopping.signal);
    await Promise.all([...runs.values()].map((run) => run.stop(grace)));
    await living;
    clearInterval(refresh);
    if (networkNamespace !== "") await network.removePod(podIp).catch(() => undefined);
    if (!silent) {
      if (!over) writer.changed();
      await writer.flushed();
      await finalize(api, pod);
    }
    writer.close();
    for (const name of ["volumes", "roots", "messages", "etc"]) {
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }

  function update(next: Pod): void {
    pod = next;
    if (next.metadata?.deletionTimestamp === undefined) {
      startEphemeral();
      return;
    }
    grace = next.metadata.deletionGracePeriodSeconds ?? graceOf(next);
    stopping.abort();
  }

  const ended = life().catch((error: unknown) =>
    context.notice(`${podPath(initial)}: ${(error as Error).message}`),
  );
  update(initial);
  const end = (): void => {
    silent = true;
    writer.close();
    grace = 0;
    for (const run of runs.values()) void run.stop(0);
    stopping.abort();
  };
  return {
    update,
    gone: end,
    kill: async () => {
      end();
      await ended;
    },
    container: (name) => runs.get(name ?? initial.spec?.containers[0]?.name ?? ""),
    ended,
  };
}

function problemsOf(pod: Pod, commands: readonly ImageCommand[]): string[] {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const ofContainers = containers.flatMap((container) => {
    const command = commandFor(commands, container.image ?? "");
    return command === undefined ? [] : refusedInContainer(pod, container, command.user ?? 0);
  });
  return [...refusedInPod(pod), ...ofContainers];
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** An ephemeral container has a container's fields but for a few that do not matter here. */
function asContainer(container: EphemeralContainer): Container {
  const { targetContainerName: _, ...rest } = container;
  return rest;
}

/** What a kubelet does last: it tells the API server that the Pod's processes have ended. */
async function finalize(api: ApiClient, pod: Pod): Promise<void> {
  for (;;) {
    try {
      await api.delete(podPath(pod), { gracePeriodSeconds: 0, preconditions: { uid: uidOf(pod) } });
      return;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return;
      await sleep(500, undefined, { ref: false });
    }
  }
}
