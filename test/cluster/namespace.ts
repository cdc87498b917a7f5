/**
 * Starts the supervisor in user, mount, PID and network namespaces of its own. No privilege is needed, only a kernel that
 * lets users make user namespaces.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { connectChannel, type Call } from "./channel.ts";
import type { OwnerMethods, SupervisorMethods } from "./supervisor-methods.ts";

/** A running supervisor. */
export interface Namespace {
  readonly call: Call<SupervisorMethods>;
  /** Resolves when the supervisor, and with it everything in its namespaces, has ended. */
  readonly ended: Promise<void>;
  /** Asks the supervisor to end and waits; after 10 s the kernel ends it. */
  end(): Promise<void>;
}

/** Starts a supervisor; what it prints goes to this process's standard error. */
export function startNamespace(owner: OwnerMethods): Namespace {
  const flags = [
    "--user",
    "--map-root-user",
    "--mount",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
  ];
  const supervisor = join(import.meta.dirname, "supervisor.ts");
  const child = spawn("unshare", [...flags, process.execPath, supervisor], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // A session of its own: the terminal's Ctrl-C reaches the owner alone, which then ends the cluster in order.
    detached: true,
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  const failed = new Promise<void>((resolve) => child.once("error", () => resolve()));
  const ended = Promise.race([once(child, "exit").then(() => undefined), failed]).catch(() => undefined);
  const call = connectChannel<SupervisorMethods>(
    {
      send: (message) => child.send(message as object, () => undefined),
      onMessage: (listener) => child.on("message", listener),
      onClose: (listener) => {
        child.once("disconnect", listener);
        child.once("error", listener);
      },
    },
    owner,
  );
  return {
    call,
    ended,
    end: async () => {
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
}
