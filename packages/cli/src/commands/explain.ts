import { resolve } from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import {
  applyMode,
  decide,
  modes,
  parseImageReference,
  policyHash,
  whatWouldChange,
  withCode,
  type Mode,
  type Subject,
  type Workload,
} from "@gatehouse/policy";
import { exit, UsageError } from "../exit.ts";
import type { Io } from "../io.ts";
import { loadPolicy } from "../load-policy.ts";
import { clusterOf, labels, policyFile, withJudgingOptions, type JudgingOptions } from "../options.ts";
import { explainText, type Explained } from "../render/explain-text.ts";
import { openReports } from "../reports.ts";

interface ExplainOptions extends JudgingOptions {
  mode: Mode;
  workload?: { kind: string; name: string };
  label?: Record<string, string>;
  output: "text" | "json";
}

/** Adds `gatehouse explain`. `end` takes the exit status. */
export function addExplain(program: Command, io: Io, end: (status: number) => void): void {
  const command = program
    .command("explain")
    .summary("say what is known of an image, what each rule makes of it, and what would change that")
    .description(
      "Says what is known of an image, what each rule and exemption makes of it, and what would change the verdict. Exit status as check's.",
    )
    .argument("<image>", "image reference, as in a Pod")
    .addOption(
      new Option("--workload <Kind/name>", "the top owner that runs it (default: not known)").argParser(
        workload,
      ),
    )
    .addOption(
      labels("--label <key=value>", "a label of the Pod; repeat for more").default(undefined, "unknown"),
    )
    .addOption(new Option("--mode <mode>", "mode of the cluster").choices(modes).default("deny"))
    .addOption(
      new Option("-o, --output <format>", "output format").choices(["text", "json"]).default("text"),
    );
  withJudgingOptions(command).action(async (image: string, options: ExplainOptions) =>
    end(await explain(image, options, io)),
  );
}

async function explain(image: string, options: ExplainOptions, io: Io): Promise<number> {
  const parsed = parseImageReference(image);
  if (!parsed.ok) throw new UsageError("GH3001", parsed.problem);
  const { policy } = await loadPolicy(resolve(io.cwd, policyFile(options.policy, io.cwd)));
  const now = options.now ?? io.now();
  const { scans: directory, maxScanAge, mode } = options;
  const reports = await openReports({ directory, maxScanAge, cwd: io.cwd, now });
  try {
    for (const problem of reports.problems) io.note(withCode("GH3006", problem));
    const { signal } = new AbortController();
    const scan = await reports.lookUp(image, { platforms: options.platform, signal });
    const scans = new Map([[image, scan]]);
    const subject = subjectFor(image, options);
    const ruling = applyMode(decide(policy, subject, scans, now), mode);
    const explained: Explained = {
      image,
      scan,
      ruling,
      subject,
      policy,
      policyHash: policyHash(policy),
      changes: whatWouldChange(policy, subject, scans, now),
      now,
    };
    io.out(
      options.output === "json"
        ? `${JSON.stringify({ version: 1, image, scan, ruling, changes: explained.changes, policyHash: explained.policyHash }, undefined, 2)}\n`
        : explainText(explained, io.style),
    );
    if (ruling.action === "deny") return exit.denied;
    const open = ruling.images.some(
      ({ state, rules }) =>
        state !== "complete" ||
        rules.some(({ outcome, couldNotTell }) => outcome !== "allow" && couldNotTell.length > 0),
    );
    return open ? exit.couldNotTell : exit.admitted;
  } finally {
    await reports.close();
  }
}

/** A Pod of which no more is known than was said: what was not is unknown, so that rules that ask for it apply. */
function subjectFor(image: string, options: ExplainOptions): Subject {
  const { namespace, namespaceLabel, workload: owner } = options;
  const unknown: Workload = { resolved: false, reason: "explain was not told of one (--workload Kind/name)" };
  const subject = {
    cluster: clusterOf(options),
    namespace: {
      name: namespace,
      ...(Object.keys(namespaceLabel).length === 0 ? {} : { labels: namespaceLabel }),
    },
    object: { kind: "Pod", name: "", labels: options.label },
    pod: undefined,
    workload: owner === undefined ? unknown : { resolved: true, ...owner },
    images: [{ path: "spec.containers[0].image", reference: image, name: "container", kind: "container" }],
  };
  // A real Pod has a name and labels; here alone they may be unknown, which scopes take for what it is.
  return subject as unknown as Subject;
}

function workload(text: string): { kind: string; name: string } {
  const [kind = "", name = "", ...more] = text.split("/");
  if (kind === "" || name === "" || more.length > 0)
    throw new InvalidArgumentError("expected Kind/name, such as Deployment/web");
  return { kind, name };
}
