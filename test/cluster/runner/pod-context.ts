/**
 * What the containers of one Pod share.
 *
 * @module
 */
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import type { RunnerTimes } from "../options.ts";
import type { PodFacts } from "./fields.ts";
import type { Objects } from "./objects.ts";
import type { Mount, Tools } from "./root.ts";
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
