/**
 * `pulumi up` without the Pulumi CLI: the real program under the SDK's mocks, each Kubernetes object that it registers
 * applied to a real control plane when its dependencies are there, kept in a state, and removed when it is no longer
 * registered. It waits for Deployments as the Kubernetes provider does.
 */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { Cluster } from "../cluster/cluster.ts";
import { privateKey, selfSigned } from "./certificates.ts";

type Fields = Record<string, unknown>;

/** What one resource became. */
interface Made {
  type: string;
  inputs: Fields;
  outputs: Fields;
}

/** A stack: what `up` made of a program, for the next `up` or `destroy`. */
export interface Stack {
  /** Runs the program; rejects with the first failure, what was made until then is kept. */
  up(program: () => unknown): Promise<void>;
  /** Removes everything, last first. */
  destroy(): Promise<void>;
  /** What an `up` of the last program would change in the cluster, as `kubectl diff` shows it; empty for nothing. */
  diff(): Promise<string>;
  /** Logical names of what exists, in the order of creation. */
  names(): string[];
}

/** How the SDK marks a secret in what it sends to a provider. */
const signature = "4dabf18193072939515e22adb298388d";

function revealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  if (signature in value && "value" in value) return revealed(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealed(inner)]));
}

const fieldManager = "pulumi-kubernetes";
/** How long a Deployment may take to roll out. */
const rollOutMilliseconds = 120_000;

export interface StackOptions {
  /** @default "test" */
  readonly name?: string;
  /** Whether hooks of the program's resources run, as the engine would run them. @default false */
  readonly hooks?: boolean;
}

/** An empty stack on a cluster. */
export function createStack(cluster: Pick<Cluster, "kubectl">, options: StackOptions = {}): Stack {
  const name = options.name ?? "test";
  const state = new Map<string, Made>();
  const replaced: Made[] = [];
  const ignored = new Map<string, readonly string[]>();
  const hooks = new Map<string, pulumi.ResourceHookBinding>();

  /** The hooks before a resource is touched; what they throw keeps it as it is. */
  async function before(key: string, type: string, resource: string, newInputs: Fields): Promise<void> {
    const old = state.get(key)?.inputs;
    const bound = old === undefined ? hooks.get(key)?.beforeCreate : hooks.get(key)?.beforeUpdate;
    if (old !== undefined && JSON.stringify(old) === JSON.stringify(newInputs)) return;
    for (const hook of bound ?? []) {
      if (!(hook instanceof pulumi.ResourceHook)) continue;
      const urn = `urn:pulumi:${name}::gatehouse::${type}::${resource}`;
      const known = { urn, id: "", name: resource, type, newInputs };
      await hook.callback(old === undefined ? known : { ...known, oldInputs: old });
    }
  }

  async function make(type: string, resource: string, inputs: Fields): Promise<Fields> {
    const key = `${type} ${resource}`;
    const before = state.get(key);
    if (type === "tls:index/privateKey:PrivateKey")
      return before?.outputs ?? { ...inputs, privateKeyPem: privateKey(inputs["algorithm"]) };
    if (type === "tls:index/selfSignedCert:SelfSignedCert")
      return before?.outputs ?? { ...inputs, ...(await selfSigned(inputs as never)) };
    if (!type.startsWith("kubernetes:")) return inputs;
    const wanted = without(inputs, before, ignored.get(key) ?? []);
    const changed = before === undefined || JSON.stringify(before.inputs) !== JSON.stringify(inputs);
    if (before !== undefined && !changed) return before.outputs;
    // What is immutable and named by Pulumi is replaced: the new one is made first, the old one goes last.
    const replaces = before !== undefined && inputs["immutable"] === true;
    const object = named(type, resource, wanted, replaces ? undefined : before);
    if (replaces) replaced.push(before);
    await put(object);
    return object;
  }

  async function put(object: Fields): Promise<void> {
    // Without force, as the provider applies: what somebody else has set differently since is a conflict.
    const { code, stderr } = await cluster.kubectl(
      ["apply", "--server-side", `--field-manager=${fieldManager}`, "-f", "-"],
      JSON.stringify(object),
    );
    if (code !== 0) throw new Error(stderr.trim());
    if (object["kind"] === "Deployment") await rolledOut(object);
  }

  async function rolledOut(deployment: Fields): Promise<void> {
    const { name: own, namespace } = deployment["metadata"] as { name: string; namespace: string };
    const watch = ["rollout", "status", `deployment/${own}`, `--namespace=${namespace}`, "--timeout=2s"];
    const deadline = Date.now() + rollOutMilliseconds;
    for (;;) {
      const { code, stderr } = await cluster.kubectl(watch);
      if (code === 0) return;
      const said = await complaints(namespace);
      // Whoever has said why need not be waited for.
      if (said !== "" || Date.now() > deadline) throw new Error(`${stderr.trim()}\n${said}`);
    }
  }

  /** What the provider shows of Pods that do not become ready: why they wait, and their termination messages. */
  async function complaints(namespace: string): Promise<string> {
    const { stdout } = await cluster.kubectl(["get", "pods", "-n", namespace, "-o", "json"]);
    const { items } = JSON.parse(stdout) as { items: PodComplaints[] };
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .flatMap(({ status }) => status?.containerStatuses ?? [])
      .filter(({ ready }) => !ready)
      .flatMap(({ state: current, lastState }) => [
        current?.waiting?.message,
        current?.terminated?.message,
        lastState?.terminated?.message,
      ])
      .filter((message) => message !== undefined)
      .join("\n");
  }

  async function remove({ type, outputs }: Made): Promise<void> {
    if (!type.startsWith("kubernetes:")) return;
    const { code, stderr } = await cluster.kubectl(
      ["delete", "--ignore-not-found", "--wait=true", "-f", "-"],
      JSON.stringify(outputs),
    );
    if (code !== 0) throw new Error(stderr.trim());
  }

  /** Removes what is no longer wanted, last made first. */
  async function prune(wanted: ReadonlySet<string>): Promise<void> {
    for (const old of replaced.splice(0)) await remove(old);
    for (const [key, made] of [...state].reverse()) {
      if (wanted.has(key)) continue;
      await remove(made);
      state.delete(key);
    }
  }

  return {
    async up(program) {
      const registered = new Set<string>();
      // A resource that failed never settles, as the engine then stops the program; the SDK would report each rejection.
      const failed = Promise.withResolvers<never>();
      const never = new Promise<never>(() => undefined);
      await pulumi.runtime.setMocks(
        {
          async newResource({ type, name: resource, inputs }) {
            const key = `${type} ${resource}`;
            const plain = revealed(inputs) as Fields;
            registered.add(key);
            try {
              await before(key, type, resource, plain);
              const outputs = await make(type, resource, plain);
              state.set(key, { type, inputs: plain, outputs });
              return { id: `${resource}-id`, state: outputs };
            } catch (error) {
              failed.reject(new Error(`${key}: ${error instanceof Error ? error.message : String(error)}`));
              return never;
            }
          },
          call: ({ token }) => {
            throw new Error(`unexpected call ${token}`);
          },
        },
        "gatehouse",
        name,
        false,
      );
      if (options.hooks === true) takeHooks();
      const watch: pulumi.ResourceTransformation = ({ type, name: resource, opts }) => {
        ignored.set(`${type} ${resource}`, opts.ignoreChanges ?? []);
        hooks.set(`${type} ${resource}`, opts.hooks ?? {});
        return undefined;
      };
      const run = async () => {
        // What the program throws must not get into the SDK's stack, which would leave promises that nobody looks at.
        let thrown: { readonly error: unknown } | undefined;
        await pulumi.runtime.runInPulumiStack(async () => {
          pulumi.runtime.registerStackTransformation(watch);
          try {
            program();
          } catch (error) {
            thrown = { error };
          }
          return {};
        });
        // The program has ended, but what it registered waits for its dependencies still.
        await pulumi.runtime.disconnect();
        if (thrown !== undefined) throw thrown.error;
      };
      await Promise.race([failed.promise, run()]);
      await prune(registered);
    },
    destroy: () => prune(new Set()),
    async diff() {
      const items = [...state.values()]
        .filter(({ type }) => type.startsWith("kubernetes:"))
        .map(({ outputs }) => outputs);
      const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
      const { code, stdout, stderr } = await cluster.kubectl(
        ["diff", "--server-side", `--field-manager=${fieldManager}`, "-f", "-"],
        list,
      );
      // 1 says that there is a difference, more that there is no answer.
      if (code > 1) throw new Error(stderr.trim());
      return code === 0 ? "" : `${stdout}${stderr}`;
    },
    names: () => [...state.keys()],
  };
}

/** The mocks' monitor knows no hooks; ours are called by `up` itself, so that it need not remember them. */
function takeHooks(): void {
  const monitor = pulumi.runtime.getMonitor() as unknown as Record<string, unknown>;
  const taken = (_request: unknown, done: (error: null, answer: object) => void) => done(null, {});
  monitor["registerResourceHook"] = taken;
  monitor["registerErrorHook"] = taken;
}

interface ContainerState {
  waiting?: { message?: string };
  terminated?: { message?: string };
}

interface PodComplaints {
  metadata: { deletionTimestamp?: string };
  status?: {
    containerStatuses?: { ready: boolean; lastState?: ContainerState; state?: ContainerState }[];
  };
}

/** Keeps what the last run wrote where the program says that changes of it are ignored. */
function without(inputs: Fields, before: Made | undefined, ignoredFields: readonly string[]): Fields {
  if (before === undefined) return inputs;
  const kept = Object.fromEntries(ignoredFields.map((field) => [field, before.inputs[field]]));
  return { ...inputs, ...kept };
}

/** The object with apiVersion, kind and, where it has none, a name as Pulumi would give: kept by updates. */
function named(type: string, resource: string, inputs: Fields, before: Made | undefined): Fields {
  const [, groupVersion = "", kind = ""] = type.split(":");
  const metadata = (inputs["metadata"] ?? {}) as Fields;
  const kept = (before?.outputs["metadata"] as Fields | undefined)?.["name"];
  const generated = `${resource}-${createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 8)}`;
  return {
    apiVersion: groupVersion.startsWith("core/") ? groupVersion.slice("core/".length) : groupVersion,
    kind,
    ...inputs,
    metadata: { ...metadata, name: metadata["name"] ?? kept ?? generated },
  };
}
