/** The design's import table: who may import whom. Checked here, so that nobody has to remember it. */
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { relative } from "node:path";
import { expect, test } from "vitest";
import { root } from "./steps.ts";

interface Room {
  /** Where it lives. */
  path: string;
  /** Workspace packages it may import. */
  workspace: readonly string[];
  /** Whether files of it may import Node's modules. */
  node: boolean;
  /** Packages from the registry it may import. */
  libraries: readonly string[];
}

const pulumi = ["@pulumi/pulumi", "@pulumi/kubernetes"];
const rooms: readonly Room[] = [
  {
    path: "packages/policy",
    workspace: [],
    node: false,
    libraries: ["zod", "@noble/hashes", "packageurl-js"],
  },
  {
    path: "packages/scans",
    workspace: ["policy"],
    node: true,
    libraries: [
      "aws4fetch",
      "cockatiel",
      "hono",
      "jose",
      "lru-cache",
      "p-limit",
      "packageurl-js",
      "zod",
      "@sigstore/bundle",
      "@sigstore/verify",
      "@sigstore/core",
      "@sigstore/protobuf-specs",
    ],
  },
  { path: "packages/kube", workspace: [], node: true, libraries: ["zod", "@kubernetes/client-node"] },
  { path: "packages/gate", workspace: ["policy", "kube"], node: true, libraries: [...pulumi, "@pulumi/tls"] },
  {
    path: "packages/azure",
    workspace: ["gate", "policy"],
    node: true,
    libraries: [...pulumi, "@pulumi/azure-native", "yaml"],
  },
  { path: "packages/aws", workspace: ["gate", "policy"], node: true, libraries: [...pulumi, "@pulumi/aws"] },
  { path: "packages/gcp", workspace: ["gate", "policy"], node: true, libraries: [...pulumi, "@pulumi/gcp"] },
  {
    path: "packages/cli",
    workspace: ["policy", "scans", "kube"],
    node: true,
    libraries: ["commander", "yaml"],
  },
  {
    path: "webhook",
    workspace: ["policy", "scans", "kube"],
    node: true,
    libraries: ["hono", "@hono/node-server", "lru-cache", "prom-client", "@peculiar/x509", "zod"],
  },
];

function sources(path: string): string[] {
  return readdirSync(`${root}${path}`, { withFileTypes: true })
    .filter(({ name }) => name !== "node_modules" && name !== "dist")
    .flatMap((entry) => {
      const inside = `${path}/${entry.name}`;
      if (entry.isDirectory()) return sources(inside);
      return /\.tsx?$/.test(entry.name) ? [inside] : [];
    });
}

function imports(file: string): string[] {
  const text = readFileSync(`${root}${file}`, "utf8");
  return [...text.matchAll(/(?:\bfrom|^\s*import|\bimport\()\s*["']([^"']+)["']/gm)].map(
    ([, name]) => name ?? "",
  );
}

function packageOf(name: string): string {
  const parts = name.split("/");
  return name.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
}

/** Tests, their fixtures, and what only runs while building: knip sees to it that what these import is declared. */
const isTooling = (file: string) => /\.test\.tsx?$|\/testing\/|\/fixtures\/|(^|\/)build\.ts$/.test(file);

function violations(room: Room): string[] {
  return sources(room.path).flatMap((file) =>
    imports(file).flatMap((name) => {
      if (name.startsWith("."))
        return relative(root, new URL(name, `file://${root}${file}`).pathname).startsWith(`${room.path}/`)
          ? []
          : [`${file} reaches out of its package: ${name}`];
      if (isTooling(file)) return [];
      const library = packageOf(name);
      const own = library.startsWith("@gatehouse/") ? library.slice("@gatehouse/".length) : undefined;
      const allowed =
        own !== undefined
          ? room.workspace.includes(own) || room.path.endsWith(`/${own}`)
          : name.startsWith("node:") || builtinModules.includes(library)
            ? room.node
            : room.libraries.includes(library);
      return allowed ? [] : [`${file} imports ${name}`];
    }),
  );
}

test.each(rooms)("$path imports only what its room may", (room) => {
  expect(violations(room)).toEqual([]);
});

test("nobody imports test", () => {
  const all = ["packages", "webhook", "stacks"].flatMap(sources);
  expect(all.filter((file) => imports(file).includes("@gatehouse/test"))).toEqual([]);
});

test("every package of the workspace has a room", () => {
  const packages = readdirSync(`${root}packages`).map((name) => `packages/${name}`);
  expect(
    rooms
      .map(({ path }) => path)
      .filter((path) => path !== "webhook")
      .sort(),
  ).toEqual(packages.sort());
});
