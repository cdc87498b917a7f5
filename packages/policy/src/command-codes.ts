import type { MessageCodeEntry } from "./message-codes.ts";

/**
 * What the command line says: `GH30…` when a command cannot do what it was asked, `GH305…` what is probably not meant
 * in a policy, `GH31…` what the doctor finds. A code never changes its meaning. Some of the first kind are about files
 * that others read too: a policy that is none is GH3004 in Pulumi as well.
 */
export const commandCodes = {
  GH3001: {
    title: "The command line was not understood",
    why: "A command, option or argument does not exist, is missing, or has a value of the wrong form.",
    mend: "`gatehouse --help` shows the commands, `gatehouse COMMAND --help` the options of one, with the form of each value.",
  },
  GH3002: {
    title: "A file or folder cannot be read",
    why: "What an option names is not there, cannot be opened, or holds none of what was looked for.",
    mend: "Correct the path; it is relative to the folder in which the command runs.",
  },
  GH3003: {
    title: "There is no policy here",
    why: "No policy was named, and none of the usual files is in the folder in which the command runs.",
    mend: "Run it from the project's root, where `stacks/policy.ts` is, or name one with `--policy FILE`.",
  },
  GH3004: {
    title: "The policy is not valid",
    why: "A policy, or what is to become one, has a field that is missing, unknown or of the wrong form, names a rule that it lacks, or cannot be loaded as a program. The message lists every problem with its path.",
    mend: "Mend each as its line says. A type check finds most of it before: the builders of `@gatehouse/policy` are typed.",
  },
  GH3005: {
    title: "A manifest cannot be read",
    why: "A document is no YAML or JSON, or no Kubernetes object of a version that the gate judges. What cannot be read is never counted as admitted.",
    mend: "Correct the document at the line named. Render templates first, for example with `helm template`, and pipe the result into `gatehouse check -f -`.",
  },
  GH3006: {
    title: "A scan report cannot be used",
    why: "A file in the folder of reports has no format that is read, is cut short, or does not say which image it is about. Its image is judged by what is left, never as clean.",
    mend: "Write the report again; for one that does not name its image, put a line into `image.txt` beside it.",
  },
  GH3007: {
    title: "The snapshot cannot be replayed",
    why: "The file is not what `gatehouse record` wrote, was cut short or is of another version, or the policy asks for labels that were not recorded.",
    mend: "Record again, with `--policy FILE` of the policy that is to be replayed, so that its labels are kept.",
  },
  GH3008: {
    title: "The list of running digests is not valid",
    why: "The file is not of the form that `gatehouse running` writes.",
    mend: "Write it anew with `gatehouse running > FILE`, and edit by taking whole entries out.",
  },
  GH3009: {
    title: "The gate's config is not valid",
    why: "`config.json`, or the ConfigMap that holds it, cannot be read by this version.",
    mend: "Use the command line of the version that deployed the gate, or deploy with this one.",
  },
  GH3010: {
    title: "The exploit feed cannot be made",
    why: "A file is not the CSV of EPSS scores or the JSON catalogue of known exploited vulnerabilities, or was cut short.",
    mend: "Download it again; `gatehouse feed --help` names both addresses.",
  },
  GH3011: {
    title: "The VEX input is not valid",
    why: "A document is neither OpenVEX nor CycloneDX VEX, or a statement lacks what would make it certain. Such a statement takes nothing out.",
    mend: "Have its author mend what the list names, or leave the document out.",
  },
  GH3021: {
    title: "The cluster cannot be asked",
    why: "The kubeconfig cannot be used, or the API server it names does not answer or refuses the credentials.",
    mend: "Try `kubectl version` with the same `--context`; what helps there helps here.",
  },
  GH3022: {
    title: "You may not ask the gate",
    why: "The API server refuses a token of the service account that may ask, or the way to the gate's service; or the observer refuses the account.",
    mend: "Have yourself given `create` on `serviceaccounts/token` of `gatehouse-caller` and on `services/proxy` in the gate's namespace, or name an account that you may use with `--as NAMESPACE/NAME`.",
  },
  GH3023: {
    title: "There is no gate where one was looked for",
    why: "The namespace has no service account, service or Pod of a gate.",
    mend: "Name its namespace with `--gate-namespace`, or the right cluster with `--context`.",
  },
  GH3024: {
    title: "The observer does not answer",
    why: "It is starting, being replaced, still looking reports up, or away. Admissions do not depend on it.",
    mend: "Wait a minute and ask again; then `gatehouse doctor`, and `kubectl -n gatehouse logs -l app.kubernetes.io/component=observer`.",
  },
  GH3025: {
    title: "The observer refused the question",
    why: "It took the question for wrong or too large; the reason stands behind its status.",
    mend: "Mend what the reason names. A command line and a gate of different versions may not understand each other: use that of the gate.",
  },
  GH3026: {
    title: "The observer's answer cannot be read",
    why: "It is not of the form that this version expects. What cannot be read is not guessed at.",
    mend: "Use the command line of the version that deployed the gate.",
  },
  GH3041: {
    title: "Whoever creates an object chooses whether the rule applies",
    why: "A rule that denies is limited, or excludes, by Pod name, labels or workload alone. Their author can choose these so that it does not apply.",
    mend: "Name a namespace, repository, image or digest besides.",
  },
  GH3042: {
    title: "An image is let off by its tag",
    why: "A tag names whatever was pushed to it last, so whoever may push chooses what is let off. Before a digest a tag counts only where it was seen to name that digest.",
    mend: "Name the digest.",
  },
  GH3043: {
    title: "A deny rule lets images pass without a word",
    why: "Its action for a scan that is absent, unsupported or unavailable is `allow`, so an image of which nothing is known is neither refused nor reported by it.",
    mend: "Use `audit` or `deny` for that state, unless another rule speaks of it.",
  },
  GH3044: {
    title: "An exemption does nothing",
    why: "It has ended, or all rules that it names are disabled.",
    mend: "Take it out, or give it a new end if the reason still holds.",
  },
  GH3045: {
    title: "An exemption frees every image",
    why: "It names neither CVEs, packages or states nor a scope that narrows it.",
    mend: "Name what it is about.",
  },
  GH3046: {
    title: "No rule is enabled",
    why: "Everything is admitted.",
    mend: "Enable a rule, or leave out `defaultRule: false`.",
  },
  GH3101: {
    title: "Doctor: the cluster lacks what a gate needs",
    why: "Its version, the API for admission policies, or a right of the gate or of you is missing or not known.",
    mend: "As the arrow says; upgrade the cluster, or `pulumi up`, which grants the gate its rights.",
  },
  GH3102: {
    title: "Doctor: the installation is not what it should be",
    why: "The registration, a Deployment or a Pod is missing, differs from what the gate wrote, or is not ready.",
    mend: "`pulumi up --refresh` puts back what was changed by hand; for a Pod that does not start, read its last words.",
  },
  GH3103: {
    title: "Doctor: a certificate ends, ended or is not trusted",
    why: "An authority of the gate or a serving certificate is near or past its end, or the webhooks' `caBundle` lacks an authority.",
    mend: "Rotate the authority in two updates, or `pulumi up --refresh` for a `caBundle` that was changed.",
  },
  GH3104: {
    title: "Doctor: whether the API server reaches the gate",
    why: "A Pod created as a dry run failed at the webhook, or its admission proves nothing.",
    mend: "Open the way from the control plane to the gate's port, or name a namespace that is judged with `--probe-namespace`.",
  },
  GH3105: {
    title: "Doctor: clocks disagree",
    why: "Certificates, exemptions and signatures go by clocks; those of this machine, the API server and the gate differ by seconds or are not known.",
    mend: "Have NTP run on this machine and on the cluster's nodes.",
  },
  GH3106: {
    title: "Doctor: namespaces that the cluster needs are judged",
    why: "A namespace outside the exclusions holds network, storage, autoscaler, DNS or another webhook's backend. With `failurePolicy: Fail` it cannot come back while no gate answers, and the gate may need it.",
    mend: "Add the namespace to `gatehouse:excludedNamespaces`, and keep the right to create Pods in it to administrators.",
  },
  GH3107: {
    title: "Doctor: a source gives no or old scans",
    why: "No source is configured, one does not answer or was refused, nothing was ever scanned, or no scan ended in the last week.",
    mend: "As the arrow says: turn scanning on, grant the gate's identity what it lacks, or open the way to the registry.",
  },
  GH3108: {
    title: "Doctor: a cloud does not take the gate's identity",
    why: "The exchange of the gate's token failed. The message says which of token file, issuer, audience, subject or name the cloud did not take.",
    mend: "Correct that part of the trust, which the cloud's component writes: `pulumi up`.",
  },
  GH3109: {
    title: "Doctor: the gate counts failures, or gives no metrics",
    why: "Judge or observer count mistakes of their own, look-ups past the deadline, dropped events, break-glass entries that cannot be used, or an exploit feed that is absent or old; or their metrics cannot be read.",
    mend: "As the arrow says.",
  },
  GH3901: {
    title: "The command failed by a mistake of its own",
    why: "Something happened that nobody foresaw. Nothing can be concluded about images from it.",
    mend: "Try again; if it stays, report it with the text that follows the code and the command that you ran.",
  },
} as const satisfies Record<string, MessageCodeEntry>;
