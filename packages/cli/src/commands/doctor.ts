import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { createKube } from "@gatehouse/kube";
import { InvalidInputError } from "@gatehouse/policy";
import { createRegistryFetch } from "@gatehouse/scans";
import { identity, images } from "../doctor/checks/identity.ts";
import { collectCluster } from "../doctor/collect/cluster.ts";
import { listenTo } from "../doctor/collect/heard.ts";
import { collectInside, parseConfig } from "../doctor/collect/sources.ts";
import { diagnose } from "../doctor/diagnose.ts";
import type { DoctorFinding } from "../doctor/finding.ts";
import { exit, UsageError } from "../exit.ts";
import type { Io } from "../io.ts";
import { withConnectionOptions, type ConnectionOptions } from "../observer/connection.ts";
import { doctorText } from "../render/doctor-text.ts";

interface DoctorOptions extends ConnectionOptions {
  config?: string;
  image: string[];
  probeNamespace: string;
  output: "text" | "json";
}

/** Longest that one call to the API server takes, in milliseconds: a webhook may take thirty seconds. */
const callMs = 40_000;

/** Adds `gatehouse doctor`. `end` takes the exit status. */
export function addDoctor(program: Command, io: Io, end: (status: number) => void): void {
  const command = program
    .command("doctor")
    .summary("what is wrong with a cluster's gate, or with its way to the registries, and what mends it")
    .description(
      "Looks at a cluster and its gate from outside, by the kubeconfig; it changes nothing (one Pod is created as a dry run). With --config, looks from where the gate runs at the sources of its config.json. Exit status: 0 no problem, 1 problems, 3 usage, or no answer.",
    )
    .option(
      "--config <file>",
      "config.json of a gate, whose tokens are mounted here: looks at its sources instead",
    )
    .option("--image <reference...>", "images to look up, with --config", [])
    .option(
      "--probe-namespace <name>",
      "namespace in which a Pod is tried out (dry run); one that is judged",
      "default",
    )
    .addOption(new Option("-o, --output <format>", "format").choices(["text", "json"]).default("text"));
  withConnectionOptions(command).action(async (options: DoctorOptions) => {
    if (options.image.length > 0 && options.config === undefined)
      throw new UsageError(
        "GH3001",
        "--image needs --config: from outside nobody has the gate's credentials",
      );
    const findings =
      options.config === undefined
        ? await fromOutside(options, io)
        : await fromInside(options.config, options, io);
    io.out(
      options.output === "json"
        ? `${JSON.stringify({ findings }, null, 2)}\n`
        : doctorText(findings, io.style),
    );
    end(findings.some(({ level }) => level === "problem") ? exit.denied : exit.admitted);
  });
}

async function fromOutside(options: DoctorOptions, io: Io): Promise<DoctorFinding[]> {
  const { fromKubeconfig } = await import("@gatehouse/kube/kubeconfig");
  const heard = listenTo(() => io.now());
  let kube;
  try {
    const config = await fromKubeconfig({ path: options.kubeconfig, context: options.context });
    kube = createKube(config, { fetch: heard.fetch, timeoutMs: callMs, userAgent: "gatehouse-doctor" });
    await kube.serverVersion();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError("GH3021", `the cluster cannot be asked: ${why}`, { cause: error });
  }
  const { gateNamespace: namespace, probeNamespace, as } = options;
  return diagnose(await collectCluster({ kube, heard, namespace, probeNamespace, as, now: () => io.now() }));
}

async function fromInside(file: string, { image }: DoctorOptions, io: Io): Promise<DoctorFinding[]> {
  const path = resolve(io.cwd, file);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new InvalidInputError("GH3002", file, [{ path: "", problem: `cannot be read: ${String(error)}` }]);
  });
  const facts = await collectInside(parseConfig(file, text), image, {
    fetch: createRegistryFetch(),
    readFile: async (name) => await readFile(name, "utf8"),
    now: () => io.now(),
  });
  return [...identity(facts), ...images(facts)];
}
