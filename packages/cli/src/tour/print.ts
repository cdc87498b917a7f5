/** What the tour says, made of plain data. At most 40 lines of 100 columns, the last ones included. */
import { oneLine, type Outcome, type Policy } from "@gatehouse/policy";
import { outcomeWords, paint } from "../render/outcome-words.ts";
import { wrapLines, type Style } from "../render/style.ts";
import { passed, type Admission } from "./outcome.ts";
import { admissionsOf, type Played } from "./play.ts";
import type { Scene } from "./scenes.ts";

/** Columns of the output. */
export const width = 100;

/** The webhook's name as the API server gives it in a denial. */
const webhook = "validate.gatehouse.dev";

const words: Readonly<Record<Outcome | "error", string>> = {
  ...outcomeWords,
  error: "error",
};

/** What the tour is about, in two lines. */
export function header(policy: Policy, file: string, style: Style): string[] {
  const rules = Object.keys(policy.rules).length;
  const exemptions = Object.keys(policy.exemptions).length;
  return [
    `${style.bold("Gatehouse")} judges sample workloads by ${file} (${rules} rules, ${exemptions} exemptions), over TLS,`,
    "as an API server would ask it. It is 22 November 2026, just after the sample images were scanned.",
    "",
  ];
}

/** A line for each scene; what kubectl shows of two of them. */
export function sceneLines(played: readonly Played[], style: Style): string[] {
  const admissions = admissionsOf(played);
  return played.flatMap(({ scene, admitted }, index) => {
    const admission = admissions[index];
    const differs = admission !== undefined && !passed(admission);
    const about = differs
      ? style.red(`expected ${words[scene.expected.action]}; ${oneLine(admitted.message, 40)}`)
      : scene.about;
    const action = paint(
      admitted.action === "error" ? "deny" : admitted.action,
      words[admitted.action].padEnd(9),
      style,
    );
    const line = `${action} ${scene.name.padEnd(18)} ${style.dim(scene.workload.padEnd(16))} ${about}`;
    return [line, ...kubectlLines(scene, admitted, style)];
  });
}

function kubectlLines(
  { show, workload }: Scene,
  { action, message, warnings }: Played["admitted"],
  style: Style,
): string[] {
  const dimmed = (text: string) => wrapLines(text, width, "    ").map((line) => style.dim(line));
  const [first] = warnings;
  if (show === "denial" && action === "deny") return dimmed(kubectlDenial(`${workload}.yaml`, message));
  return show === "warning" && first !== undefined ? dimmed(kubectlWarning(first)) : [];
}

/** What kubectl prints when an admission webhook denies with a status that has no reason. */
export function kubectlDenial(file: string, message: string): string {
  return `Error from server: error when creating ${JSON.stringify(file)}: admission webhook "${webhook}" denied the request: ${message}`;
}

/** What kubectl prints for a warning. */
export function kubectlWarning(warning: string): string {
  return `Warning: ${warning}`;
}

/** How to go on, once the judge is there to stay. */
export function footer(
  live: { url: string; secret: string; caFile: string; review: string; policy: string },
  style: Style,
): string[] {
  return [
    "",
    `${style.bold("It stays up")} in mode deny, by the real time, and reloads when ${live.policy} or what it imports is`,
    "saved. Ask it as the API server does (the file holds the denied checkout), or without a cluster:",
    `  curl -sS --cacert ${live.caFile} \\`,
    `    --data @${live.review} \\`,
    `    -H content-type:application/json ${live.url}/validate/${live.secret}`,
    "  npm run -s gatehouse -- check -f packages/cli/src/tour/samples/workloads \\",
    "    --scans packages/cli/src/tour/samples/reports",
    "Ctrl-C ends it and leaves nothing behind.",
  ];
}

/** Cases for people: what differs, in full. */
export function caseLines(admissions: readonly Admission[], style: Style): string[] {
  const lines = admissions.flatMap((admission) => {
    const { name, expected, action, code, findings, message } = admission;
    const came = `${action}${code === null ? "" : ` ${code}`}${findings === null ? "" : `, ${findings} findings`}`;
    if (passed(admission)) return [`${style.green("ok  ")} ${oneLine(name, 40)}: ${came}`];
    return [
      `${style.red("FAIL")} ${oneLine(name, 40)}: expected ${expected === null ? "nothing that can be read" : JSON.stringify(expected)}, got ${came}`,
      ...message
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => `     ${line.trimStart() === line ? "" : "  "}${oneLine(line, 400)}`),
    ];
  });
  const count = admissions.filter(passed).length;
  return [...lines, `${count} passed, ${admissions.length - count} failed`];
}
