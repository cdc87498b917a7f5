/**
 * The root file system of a container, made in its own mount namespace by a short shell script: an empty tmpfs, the
 * machine's programs and libraries read-only, what stands for the image's files, and the volumes at their paths. The
 * process then sees nothing else.
 *
 * @module
 */
import { constants } from "node:fs";
import { access, lstat, readlink } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** A file or folder of this machine that the container sees at `path`. */
export interface Mount {
  readonly source: string;
  readonly path: string;
  readonly readOnly: boolean;
  readonly isFile: boolean;
}

/** All that decides how a container's process starts. */
export interface RootPlan {
  /** An empty folder to mount the root on. */
  readonly folder: string;
  readonly hostname: string;
  readonly mounts: readonly Mount[];
  readonly readOnlyRoot: boolean;
  readonly workingDir: string;
  readonly user: number;
  readonly group: number;
  /** Capabilities of a root user, such as CHOWN; other users have none. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
}

const toolNames = [
  "sh",
  "mount",
  "umount",
  "mkdir",
  "ln",
  "rmdir",
  "pivot_root",
  "hostname",
  "unshare",
  "setpriv",
  "nsenter",
] as const;

/** Absolute paths of the system's tools that start containers. */
export type Tools = Readonly<Record<(typeof toolNames)[number], string>>;

/** Finds the tools. @throws naming all that are missing. */
export async function findTools(): Promise<Tools> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
  const found: [string, string][] = [];
  const missing: string[] = [];
  for (const name of toolNames) {
    const path = await firstExecutable(folders, name);
    if (path === undefined) missing.push(name);
    else found.push([name, path]);
  }
  if (missing.length > 0) {
    throw new Error(`containers need ${missing.join(", ")}: install util-linux, coreutils and hostname`);
  }
  return Object.fromEntries(found) as Tools;
}

async function firstExecutable(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    const ok = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (ok && folder !== "") return path;
  }
  return undefined;
}

const systemFolders = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"];
const devices = ["null", "zero", "full", "random", "urandom"];

/** The script that builds the root and becomes the process, whose arguments are the script's own. */
export async function rootScript(plan: RootPlan, tools: Tools): Promise<string> {
  const root = (path: string) => quote(join(plan.folder, path));
  const folders = ["/proc", "/dev/shm", "/etc", "/tmp", "/run", "/var/tmp", "/.old", plan.workingDir];
  const lines = [
    `${tools.mount} -t tmpfs -o mode=755,nosuid,nodev tmpfs ${quote(plan.folder)}`,
    `${tools.mkdir} -p ${folders.map(root).join(" ")}`,
    `${tools.mkdir} -p -m 1777 ${root("/tmp")} ${root("/var/tmp")}`,
    ...(await systemLines(root, tools)),
    `${tools.mount} -t proc proc ${root("/proc")}`,
    ...devices.flatMap((name) =>
      bind({ source: `/dev/${name}`, path: `/dev/${name}`, readOnly: false, isFile: true }, root, tools),
    ),
    ...["fd fd", "fd/0 stdin", "fd/1 stdout", "fd/2 stderr"].map((pair) => {
      const [target = "", name = ""] = pair.split(" ");
      return `${tools.ln} -s /proc/self/${target} ${root(`/dev/${name}`)}`;
    }),
    ...plan.mounts
      .toSorted((a, b) => a.path.length - b.path.length)
      .flatMap((mount) => bind(mount, root, tools)),
    `${tools.hostname} ${quote(plan.hostname)}`,
    `cd ${quote(plan.folder)}`,
    `${tools.pivot_root} . .old`,
    "cd /",
    `${tools.umount} -l /.old`,
    `${tools.rmdir} /.old`,
    ...(plan.readOnlyRoot ? [`${tools.mount} -o remount,bind,ro,nosuid,nodev /`] : []),
    `cd ${quote(plan.workingDir)}`,
    "unset PWD OLDPWD",
    `exec ${becomeUser(plan, tools)} "$@"`,
  ];
  return lines.join("\n");
}

/** Other users than root live in a user namespace of their own, in which there is nobody else. */
function becomeUser({ user, group, capabilities, noNewPrivileges }: RootPlan, tools: Tools): string {
  const privileges = noNewPrivileges ? " --no-new-privs" : "";
  if (user !== 0) {
    const flags = `--user --map-user=${user} --map-group=${group}`;
    return `${tools.unshare} ${flags} -- ${tools.setpriv} --bounding-set=-all --inh-caps=-all${privileges} --`;
  }
  const kept = capabilities.map((name) => `,+${name.toLowerCase().replace(/^cap_/u, "")}`).join("");
  return `${tools.setpriv} --bounding-set=-all${kept} --inh-caps=-all${privileges} --`;
}

async function systemLines(root: (path: string) => string, tools: Tools): Promise<string[]> {
  const lines: string[] = [];
  for (const folder of systemFolders) {
    const stats = await lstat(folder).catch(() => undefined);
    if (stats?.isSymbolicLink())
      lines.push(`${tools.ln} -s ${quote(await readlink(folder))} ${root(folder)}`);
    else if (stats?.isDirectory()) {
      lines.push(...bind({ source: folder, path: folder, readOnly: true, isFile: false }, root, tools));
    }
  }
  // Distroless images carry the usual certificate authorities, and nothing else of /etc that matters here.
  const certificates = await lstat("/etc/ssl").catch(() => undefined);
  if (certificates?.isDirectory()) {
    lines.push(...bind({ source: "/etc/ssl", path: "/etc/ssl", readOnly: true, isFile: false }, root, tools));
  }
  return lines;
}

function bind(
  { source, path, readOnly, isFile }: Mount,
  root: (path: string) => string,
  tools: Tools,
): string[] {
  const target = root(path);
  const make = isFile
    ? `test -e ${target} || { ${tools.mkdir} -p ${root(join(path, ".."))} && : > ${target}; }`
    : `${tools.mkdir} -p ${target}`;
  const lines = [make, `${tools.mount} --rbind ${quote(source)} ${target}`];
  if (readOnly) {
    // Flags that the machine's own mount carries must stay: where it forbids execution, the second form does.
    const remount = `${tools.mount} -o remount,bind,ro,nosuid,nodev`;
    lines.push(`${remount} ${target} 2>/dev/null || ${remount},noexec ${target}`);
  }
  return lines;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
