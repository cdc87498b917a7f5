/** A steady load of creations on a cluster, and what became of each. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { apiServerAddress, apiServerPort } from "../cluster/addresses.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Told } from "./load-child.ts";

/** One creation. */
export interface Creation {
  readonly name: string;
  readonly image: string;
  /** HTTP status of the API server: 201 created, 400 denied by the gate; 0 when there was no answer. */
  readonly status: number;
  /** What a first try ended with that failed, after which it was tried again, each second at most three times. */
  readonly failure?: string;
  /** The message of a status other than 201. */
  readonly message: string;
  /** What `phase` said when it began. */
  readonly phase: string;
  /** When the first try began, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Of the first try. */
  readonly milliseconds: number;
}

/** A load that goes on until it is stopped. */
export interface Load {
  /** Names what happens from now on. */
  phase(name: string): void;
  /** Ends it, waits for what is under way, and gives all creations in the order of their beginning. */
  stop(): Promise<Creation[]>;
}

/**
 * Creates PodTemplates, which nobody acts upon, by turns with a vulnerable and a clean image. A new one begins every
 * so often, whether or not the last one has ended. What fails is tried again, as a controller would. All of it
 * happens in a process of its own, on a way of its own: `up` keeps this one busy for seconds.
 */
export function startLoad({ admin, socketTo }: Pick<Cluster, "admin" | "socketTo">, perSecond: number): Load {
  const child = fork(join(import.meta.dirname, "load-child.ts"), { execArgv: [] });
  const tell = (told: Told) => void child.send(told);
  void socketTo(apiServerAddress, apiServerPort).then((socketPath) => tell({ admin, socketPath, perSecond }));
  let ended: Promise<Creation[]> | undefined;
  return {
    phase: (name) => tell({ phase: name }),
    stop() {
      if (ended === undefined) {
        ended = (once(child, "message") as Promise<[Creation[]]>).then(([creations]) => creations);
        tell("stop");
      }
      return ended;
    },
  };
}
