import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import * as z from "zod/mini";
import { KubeError } from "./errors.ts";
import { problems } from "./objects.ts";

const text = z.optional(z.nullable(z.string()));
const flag = z.optional(z.nullable(z.boolean()));

/** The parts of a kubeconfig that are used (client-go `tools/clientcmd/api/v1/types.go`). */
const fileSchema = z.looseObject({
  "current-context": text,
  clusters: z.optional(
    z.nullable(
      z.array(
        z.looseObject({
          name: z.string(),
          cluster: z.looseObject({
            server: z.string(),
            "certificate-authority": text,
            "certificate-authority-data": text,
            "tls-server-name": text,
            "insecure-skip-tls-verify": flag,
            "proxy-url": text,
            extensions: z.optional(
              z.nullable(z.array(z.looseObject({ name: z.string(), extension: z.unknown() }))),
            ),
          }),
        }),
      ),
    ),
  ),
  contexts: z.optional(
    z.nullable(
      z.array(
        z.looseObject({
          name: z.string(),
          context: z.looseObject({ cluster: z.string(), user: text, namespace: text }),
        }),
      ),
    ),
  ),
  users: z.optional(
    z.nullable(
      z.array(
        z.looseObject({
          name: z.string(),
          user: z.nullable(
            z.looseObject({
              token: text,
              tokenFile: text,
              "client-certificate": text,
              "client-certificate-data": text,
              "client-key": text,
              "client-key-data": text,
              username: text,
              as: text,
              "as-groups": z.optional(z.nullable(z.array(z.string()))),
              "auth-provider": z.optional(z.nullable(z.looseObject({ name: z.string() }))),
              exec: z.optional(
                z.nullable(
                  z.looseObject({
                    apiVersion: z.enum([
                      "client.authentication.k8s.io/v1",
                      "client.authentication.k8s.io/v1beta1",
                    ]),
                    command: z.string().check(z.minLength(1)),
                    args: z.optional(z.nullable(z.array(z.string()))),
                    env: z.optional(
                      z.nullable(z.array(z.looseObject({ name: z.string(), value: z.string() }))),
                    ),
                    installHint: text,
                    interactiveMode: z.optional(z.enum(["Never", "IfAvailable", "Always"])),
                    provideClusterInfo: flag,
                  }),
                ),
              ),
            }),
          ),
        }),
      ),
    ),
  ),
});

type File = z.infer<typeof fileSchema>;
/** An entry of one file, with the folder its relative paths start from. */
type Placed<T> = T & { readonly directory: string | undefined };
/** A cluster entry. */
export type ClusterEntry = Placed<NonNullable<File["clusters"]>[number]>;
/** A context entry. */
export type ContextEntry = Placed<NonNullable<File["contexts"]>[number]>;
/** A user entry. */
export type UserEntry = Placed<NonNullable<File["users"]>[number]>;

/** All files of a kubeconfig as one. */
export interface Kubeconfig {
  /** The files' names, for messages. */
  readonly where: string;
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, ClusterEntry>;
  readonly contexts: ReadonlyMap<string, ContextEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
}

/** The error of a kubeconfig that cannot be used. */
export function unusable(where: string, found: readonly string[], cause?: unknown): KubeError {
  return new KubeError({ code: "invalid", detail: `${where}: ${found.join("; ")}`, cause });
}

/** What an error says. */
export function why(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function parse(source: string, where: string): Promise<File> {
  const { loadYaml } = await import("@kubernetes/client-node");
  let value: unknown;
  try {
    value = loadYaml<unknown>(source);
  } catch (cause) {
    // The parser quotes the text around the mistake, which may be a token.
    const first = why(cause).split("\n")[0] ?? "";
    throw unusable(where, [`not YAML: ${first}`]);
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) throw unusable(where, [`not a kubeconfig: ${problems(parsed.error)}`]);
  return parsed.data;
}

/** First come, first served, as kubectl merges. */
function merge<T extends { readonly name: string }>(
  files: readonly {
    readonly directory: string | undefined;
    readonly entries: readonly T[] | null | undefined;
  }[],
): ReadonlyMap<string, Placed<T>> {
  const merged = new Map<string, Placed<T>>();
  for (const { directory, entries } of files) {
    for (const entry of entries ?? []) {
      if (!merged.has(entry.name)) merged.set(entry.name, { ...entry, directory });
    }
  }
  return merged;
}

/**
 * Reads a kubeconfig: the text, or the file, or the files of the KUBECONFIG variable (those that are not there are
 * passed over when others are), or `~/.kube/config`.
 *
 * @throws KubeError `invalid`, naming the file
 */
export async function readKubeconfig(source: {
  readonly text?: string | undefined;
  readonly path?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<Kubeconfig> {
  const files: { file: File; directory: string | undefined }[] = [];
  const listed = (source.env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  const home = join(source.env["HOME"] ?? homedir(), ".kube", "config");
  const paths = source.path === undefined ? (listed.length > 0 ? listed : [home]) : [source.path];
  const where = source.text === undefined ? `kubeconfig ${paths.join(delimiter)}` : "kubeconfig text";
  if (source.text !== undefined) {
    files.push({ file: await parse(source.text, where), directory: undefined });
  } else {
    for (const path of paths) {
      let content: string;
      try {
        content = await readFile(path, "utf8");
      } catch (cause) {
        if (paths.length > 1 && cause instanceof Error && "code" in cause && cause.code === "ENOENT")
          continue;
        throw unusable(`kubeconfig ${path}`, [`cannot be read: ${why(cause)}`], cause);
      }
      files.push({ file: await parse(content, `kubeconfig ${path}`), directory: dirname(path) });
    }
    if (files.length === 0) throw unusable(where, ["none of these files exists"]);
  }
  const all = <K extends "clusters" | "contexts" | "users">(field: K) =>
    files.map(({ file, directory }) => ({ directory, entries: file[field] }));
  return {
    where,
    currentContext: files.map(({ file }) => file["current-context"]).find(Boolean) ?? undefined,
    clusters: merge(all("clusters") as Parameters<typeof merge<NonNullable<File["clusters"]>[number]>>[0]),
    contexts: merge(all("contexts") as Parameters<typeof merge<NonNullable<File["contexts"]>[number]>>[0]),
    users: merge(all("users") as Parameters<typeof merge<NonNullable<File["users"]>[number]>>[0]),
  };
}
