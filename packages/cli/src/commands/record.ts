import { resolve } from "node:path";
import type { Command } from "commander";
import { askedLabelKeys, type SnapshotLine } from "@gatehouse/policy";
import { exit, UsageError } from "../exit.ts";
import type { Io } from "../io.ts";
import { loadPolicy } from "../load-policy.ts";
import { openObserver } from "../observer/connect.ts";
import { withConnectionOptions, type ConnectionOptions } from "../observer/connection.ts";
import { writeSnapshot } from "../snapshot/file.ts";
import { takeSnapshot } from "../snapshot/take.ts";

interface RecordOptions extends ConnectionOptions {
  file: string;
  label: string[];
  policy?: string;
}

/** Adds `gatehouse record`. `end` takes the exit status. */
export function addRecord(program: Command, io: Io, end: (status: number) => void): void {
  const command = program
    .command("record")
    .summary("a snapshot of what a cluster's gate judged and knows, to replay elsewhere")
    .description(
      "Writes what a cluster's gate has judged, its inventory and its reports to a file (JSON lines, gzip). Environments, arguments, annotations and users are never in it; of labels only those that the policy in force, --policy or --label ask for, and the common app.kubernetes.io ones. Exit status: 0 written, 3 usage, or no answer.",
    )
    .option("-f, --file <file>", "file to write", "gatehouse-snapshot.jsonl.gz")
    .option("--label <key...>", "labels to keep besides", [])
    .option("--policy <file>", "also keep the labels that this policy asks for");
  withConnectionOptions(command).action(async (options: RecordOptions) => {
    await record(options, io);
    end(exit.admitted);
  });
}

async function record({ file, label, policy: policyFile, ...options }: RecordOptions, io: Io): Promise<void> {
  const policy =
    policyFile === undefined ? undefined : (await loadPolicy(resolve(io.cwd, policyFile))).policy;
  const labels = [...new Set([...label, ...(policy === undefined ? [] : askedLabelKeys(policy))])];
  const ask = await openObserver(options);
  let end: Extract<SnapshotLine, { line: "end" }> | undefined;
  async function* lines() {
    for await (const line of takeSnapshot(ask, labels)) {
      if (line.line === "end") end = line;
      yield line;
    }
  }
  await writeSnapshot(resolve(io.cwd, file), lines()).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).syscall !== "open") throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError("GH3002", `${file}: cannot be written: ${why}`, { cause: error });
  });
  io.note(
    `${file}: ${end?.reviews ?? 0} reviews, ${end?.workloads ?? 0} workloads, ${end?.scans ?? 0} scans`,
  );
}
