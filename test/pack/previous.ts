/**
 * The Gate as it was published before the last change to it: packed from the commit before that change, with the
 * dependencies that its own lockfile names.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { pack } from "../pack.ts";
import { root } from "../steps.ts";

/** Folders that decide what a Gate deploys, and which of them are packed. */
const sources = ["packages/gate", "packages/kube", "packages/policy", "packages/scans", "webhook"];
const packed = ["gate", "kube", "policy"] as const;
/** What changes nothing about what is deployed. */
const besides = ["*.md", "*.test.ts", "*/testing/*", "*/fixtures/*"];

/** Packages of a commit, ready to be imported. */
export interface PackedCommit {
  /** The commit that they are of. */
  readonly commit: string;
  /** Imports the main entry of a package, from its compiled JavaScript. */
  import(name: (typeof packed)[number]): Promise<unknown>;
  remove(): void;
}

/** Asks Git about a repository. */
export type Git = (...args: string[]) => string;

/** Git in this tree. @throws with what Git said when it fails. */
export const git: Git = (...args) =>
  execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

/**
 * The parent of the last commit that changed what a Gate deploys; that commit itself where it is the first of all,
 * which nothing came before.
 *
 * @throws when the history does not go back so far, as in a shallow clone
 */
export function commitBefore(ask: Git = git): string {
  const changed = ask(
    "log",
    "-1",
    "--format=%H",
    "--",
    ...sources,
    ...besides.map((glob) => `:(exclude)${glob}`),
  );
  const [, parent] = ask("rev-list", "--parents", "-1", changed).split(" ");
  if (parent !== undefined) return parent;
  if (ask("rev-parse", "--is-shallow-repository") === "true")
    throw new Error(
      `the history of this clone begins at ${changed}, which changed the gate, so that there is no package to upgrade ` +
        "from: clone the whole history (git fetch --unshallow; fetch-depth: 0 in actions/checkout)",
    );
  return changed;
}

/** Packs the gate of {@link commitBefore}. Reaches for a registry only where its lockfile names what is not in pnpm's store. */
export async function packPrevious(): Promise<PackedCommit> {
  const commit = commitBefore();
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-previous-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const archive = join(folder, "tree.tar");
    git("archive", `--output=${archive}`, `--prefix=tree/`, commit);
    execFileSync("tar", ["-xf", archive, "-C", folder]);
    const tree = join(folder, "tree");
    install(tree);
    // Its types were checked when it was committed.
    const tarballs = await pack(join(folder, "tarballs"), { from: tree, only: packed, check: false });
    for (const [index, name] of packed.entries()) unpack(tarballs[index] ?? "", join(tree, "packages", name));
    // Nothing but what was packed is to be had.
    rmSync(join(tree, "webhook"), { recursive: true });
    return { commit, import: (name) => importMain(join(tree, "packages", name)), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Installs what the lockfile names, with the pnpm that the tree's scripts name. */
function install(tree: string): void {
  const { scripts } = JSON.parse(readFileSync(join(tree, "package.json"), "utf8")) as {
    scripts: Readonly<Record<string, string>>;
  };
  const [pnpm] = /\bpnpm@[\d.]+/.exec(scripts["pretest"] ?? "") ?? [];
  if (pnpm === undefined) throw new Error(`expected a pretest with pnpm@VERSION, got ${scripts["pretest"]}`);
  const wanted = ["@gatehouse/gate...", "@gatehouse/webhook..."].flatMap((name) => ["--filter", name]);
  const how = ["--frozen-lockfile", "--prefer-offline", "--ignore-scripts", "--silent"];
  execFileSync("npx", ["--yes", pnpm, "install", ...how, ...wanted], { cwd: tree, stdio: "pipe" });
}

/** Puts a package in the place of its sources, beside the links to its dependencies. */
function unpack(tarball: string, folder: string): void {
  if (basename(tarball) === "") throw new Error(`nothing was packed of ${folder}`);
  for (const name of readdirSync(folder))
    if (name !== "node_modules") rmSync(join(folder, name), { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", folder]);
}

async function importMain(folder: string): Promise<unknown> {
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    exports: { ".": { default: string } };
  };
  return import(pathToFileURL(join(folder, exports["."].default)).href);
}
