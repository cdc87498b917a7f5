import {
  applyMode,
  decide,
  definePolicy,
  denialMessage,
  deny,
  findings,
  messageCodes,
  states,
  warnings,
  type Scans,
  type Subject,
} from "@gatehouse/policy";
import { entriesOf } from "./codes-page.ts";

/** The page for whom a gate denied, made of the table of codes and of what the gate itself says. */
export function deniedPage(): string {
  const { denial, warned } = example();
  return [
    "# You were denied",
    "",
    "A gate in front of this cluster admits a container image only when its scan satisfies the rules of the people who run",
    "the cluster. This page explains each code that it can answer with, and what you can do.",
    "",
    "## How to read a denial",
    "",
    "The tool that you deploy with shows the whole text, as `kubectl` and Pulumi do:",
    "",
    "```text",
    denial,
    "```",
    "",
    "| line | what it says |",
    "|---|---|",
    "| the first | which object was refused, and the code: find it below |",
    "| `Image` | the image as you wrote it; under it the digest that was judged, and where the object names it |",
    "| the rule | the rule that refuses, why it does, and the worst findings with the version that fixes each |",
    "| `Exemption` | how to get one, in the words of those who own the policy |",
    "",
    "A Deployment that was admitted earlier can have Pods that are refused now, when they are replaced. Then the text stands in",
    "the events of its ReplicaSet: `kubectl get events --field-selector reason=FailedCreate`.",
    "",
    "The same scan read on your own machine, before you deploy: `gatehouse check -f FILE --scans FOLDER`",
    "([how](commands.md#check)).",
    "",
    "## A warning instead of a denial",
    "",
    "A line like the next one means that the object was admitted. Under mode audit it says what mode deny would have done.",
    "",
    "```text",
    ...warned.map((line) => `Warning: ${line}`),
    "```",
    "",
    "## What never waits for the gate",
    "",
    "Scaling, labels, finalizers, deletion, and any update that adds no image. If one of these is refused, it was not this gate.",
    "",
    "## An error that is no denial",
    "",
    'Two refusals name the gate and are not its verdict: `failed calling webhook "validate.gatehouse.dev"` (or `pin.gatehouse.dev`), when',
    "no gate answered, and a refusal without a code in the gate's own namespace, where nothing but the gate runs. After the first, try",
    "again: a replica that was replaced is back within seconds. If it stays, tell those who run the cluster",
    "([what they do](operate.md#the-judge-is-down)). The error quotes the gate's URL, whose last part is a secret: leave that out of",
    "tickets that others read.",
    "",
    "## The codes",
    "",
    "A code never changes its meaning. Link to one as `denied.md#gh1001`, or print it with `gatehouse code GH1001`. Codes that",
    "begin otherwise than GH10 are for those who run the gate: [codes.md](codes.md).",
    "",
    ...entriesOf(messageCodes),
  ]
    .join("\n")
    .replace(/\n{2,}$/, "\n");
}

/** What the gate really says about an image with two findings. */
function example(): { denial: string; warned: string[] } {
  const reference = "registry.example/shop/web:1.4";
  const policy = definePolicy({
    defaultRule: false,
    rules: {
      "no-fixable-critical": deny({
        description: "A critical whose fix is two weeks old does not ship",
        when: findings({ minSeverity: "critical", fixAvailableFor: "14d" }),
        onScan: states.audit,
      }),
    },
    exemptionHelp: "Add one to stacks/policy.ts, with a reason, an owner and an end; security reviews it.",
  });
  const subject: Subject = {
    cluster: { name: "shop-prod" },
    namespace: { name: "shop", labels: {} },
    object: { kind: "Deployment", name: "web", labels: {} },
    pod: "web-",
    workload: { resolved: true, kind: "Deployment", name: "web" },
    images: [{ path: "spec.template.spec.containers[0].image", reference, name: "web", kind: "container" }],
  };
  const digest = `sha256:${"4f".repeat(32)}`;
  const scans: Scans = new Map([
    [
      reference,
      {
        digest,
        platforms: [
          {
            platform: "linux/amd64",
            digest,
            report: {
              state: "complete",
              source: "registry",
              trust: { kind: "source" },
              scannedAt: "2026-11-20T08:00:00Z",
              findings: [
                {
                  id: "CVE-2026-0001",
                  severity: "critical",
                  package: { name: "openssl", version: "3.0.1", type: "deb" },
                  fix: { available: true, version: "3.0.7", since: "2026-10-01T00:00:00Z" },
                },
              ],
            },
          },
        ],
      },
    ],
  ]);
  const decision = decide(policy, subject, scans, Date.parse("2026-11-22T12:00:00Z"));
  return {
    denial: denialMessage({ ruling: applyMode(decision, "deny"), subject, policy }),
    warned: warnings(applyMode(decision, "audit")),
  };
}
