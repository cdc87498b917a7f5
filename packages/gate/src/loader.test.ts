import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { loaderArguments, loaderScript, type LoaderPlan } from "./loader.ts";

const folder = mkdtempSync(join(tmpdir(), "gatehouse-loader-"));
afterAll(() => rmSync(folder, { recursive: true }));

const program = `
import { basename } from "node:path";
console.log(JSON.stringify({ argv: process.argv.slice(2), file: basename(process.argv[1]), url: import.meta.url.split("/").at(-1) }));
`;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function planned(name: string): LoaderPlan & { bundle: NonNullable<LoaderPlan["bundle"]> } {
  const at = (file: string) => join(folder, `${name}-${file}`);
  writeFileSync(at("judge.mjs.br"), brotliCompressSync(program));
  writeFileSync(at("policy.json"), "{}");
  return {
    bundle: { what: "the gate's program", path: at("judge.mjs.br"), sha256: sha256(program) },
    files: [{ what: "the policy", path: at("policy.json"), sha256: sha256("{}") }],
    module: join(folder, name, "judge.mjs"),
  };
}

function run(plan: LoaderPlan): Promise<{ code: unknown; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, loaderArguments(plan, ["--listen=[::]:1", "x"]), (error, out, err) =>
      resolve({ code: error === null ? 0 : error.code, out, err }),
    );
  });
}

test("starts what was deployed as if Node had run the file, twice in the same Pod", async () => {
  const plan = planned("good");
  const good = {
    code: 0,
    out: `${JSON.stringify({ argv: ["--listen=[::]:1", "x"], file: "judge.mjs", url: "judge.mjs" })}\n`,
    err: "",
  };
  expect(await run(plan)).toEqual(good);
  // A container that starts anew finds the scratch folder as it left it.
  expect(await run(plan)).toEqual(good);
});

test("starts nothing when anything differs or is missing, and names all of it at once", async () => {
  const plan = planned("bad");
  writeFileSync(plan.bundle.path, brotliCompressSync(`${program}//`));
  rmSync(plan.files[0]?.path ?? "");
  const { code, out, err } = await run(plan);
  expect([code, out]).toEqual([78, ""]);
  expect(err.split("\n")).toEqual([
    "The gate does not start [GH1111]:",
    `  the gate's program (${plan.bundle.path}) is not what was deployed: expected SHA-256 ${plan.bundle.sha256}, got ${sha256(`${program}//`)}`,
    `  the policy (${plan.files[0]?.path}) cannot be read: ENOENT: no such file or directory, open '${plan.files[0]?.path}'`,
    "Someone changed it in the cluster. Run pulumi refresh and pulumi up to put it back.",
    "",
  ]);
});

test("what is no Brotli stream is no program", async () => {
  const plan = planned("broken");
  writeFileSync(plan.bundle.path, "not compressed");
  const { code, err } = await run(plan);
  expect(code).toBe(78);
  expect(err).toContain("the gate's program");
});

test("a module in the image is started after policy and config were checked", async () => {
  const { bundle: _, ...plan } = planned("image");
  const module = join(folder, "own.mjs");
  writeFileSync(module, program);
  expect(JSON.parse((await run({ ...plan, module })).out)).toMatchObject({ file: "own.mjs" });
  writeFileSync(plan.files[0]?.path ?? "", "[]");
  expect((await run({ ...plan, module })).code).toBe(78);
});

test("holds nothing that Kubernetes would expand in a container's arguments", () => {
  expect(loaderScript).not.toContain("$(");
});
