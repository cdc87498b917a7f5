import type { MessageCodeEntry } from "./message-codes.ts";

/**
 * What those who run a gate are told: `GH11…` by the gate's own parts, in their logs and last words; `GH2…` by Pulumi,
 * from the components, the guard and the stack's program. A code never changes its meaning.
 */
export const operatorCodes = {
  GH1101: {
    title: "A break-glass entry is not used",
    why: "An entry of the ConfigMap `gatehouse-emergency` is no exemption in the policy's own form, names a rule that the policy lacks, has no end, or ends more than 24 hours from now. It exempts nothing.",
    mend: "Correct the entry as the text behind the code says; it is read again within 90 seconds. `gatehouse_emergency_problems` goes back to 0.",
  },
  GH1111: {
    title: "The gate's program, policy or config is not what was deployed",
    why: "Before the gate starts, it compares the SHA-256 of its program, its policy and its config with those in its Pod template. One of them differs or cannot be read, so somebody or something changed it in the cluster. Replicas that run go on with what they have.",
    mend: "Find out from the API server's audit log who wrote to the gate's ConfigMaps or Deployment. `pulumi up --refresh` puts back what the program says.",
  },
  GH1112: {
    title: "The gate cannot start with what it was given",
    why: "Its command line, config, policy, certificate authority or secret cannot be read or is not valid. The message lists every problem of every file. The replicas of the last good roll-out go on.",
    mend: "Mend what the list names in the stack's settings or in `Gate`'s arguments, and run `pulumi up`. A Secret that is missing comes back with `pulumi up --refresh`.",
  },
  GH1121: {
    title: "What was sent to the gate is no admission review",
    why: "The body of a call is too large, is no JSON, or is not an AdmissionReview of version v1. API servers send none like it; somebody else did, or a proxy between them and the gate changed it.",
    mend: "Look at who calls: only the webhook configuration that Pulumi wrote should name the gate. `pulumi up --refresh` puts it back.",
  },
  GH2001: {
    title: "Arguments of a component must be mended",
    why: "An argument of `Gate` or of a cloud's component is missing, of the wrong form or contradicts another, or what it names cannot carry a gate: a cluster that is too old, an issuer that is off. All that is wrong stands in one message, each with its path.",
    mend: "Change each argument as its line says: what was expected, against what came. Nothing was deployed.",
  },
  GH2002: {
    title: "The settings of a stack must be mended",
    why: "A setting under `gatehouse:` in Pulumi.NAME.yaml is missing, unknown or of the wrong form, or a file or folder that it names cannot be read.",
    mend: "Change each setting as its line says. `stacks/Pulumi.local.yaml` and those of aks, eks and gke are whole examples.",
  },
  GH2003: {
    title: "Node is too old for the Pulumi program",
    why: "Pulumi took the first Node on PATH, and that is older than 24.",
    mend: "Run it as `npm run pulumi -- up`, which brings its own Node, or put Node 24 first on PATH.",
  },
  GH2011: {
    title: "The change newly denies workloads that nobody acknowledged",
    why: "The gate in the cluster judged everything that is there by the policy and mode in force and by the proposed ones, and found workloads that would be refused when they are next created. Nothing was touched.",
    mend: "Rebuild the images, write an exemption with an owner and an end, or acknowledge the workloads: the message holds the block to paste into the stack's settings.",
  },
  GH2012: {
    title: "The change might newly deny, and whom is not known",
    why: "The proposal is stricter than what is in force, and there is no answer that says whom it hits: no gate runs yet, it does not answer, or it judges by other sources, platforms or facts than the new one would.",
    mend: "Deploy with mode audit first and promote afterwards; or repair the gate (`gatehouse doctor`); or, if you accept not to know, set `gatehouse:requireImpact` to false for this one update.",
  },
  GH2013: {
    title: "A certificate authority would sign before it is trusted",
    why: "The first of `caGenerations` signs, and the last update did not put it into the webhooks' `caBundle`. API servers that still have the old bundle would refuse the gate's certificates.",
    mend: "Rotate in two updates: first append the new name, then take the old one out.",
  },
  GH2014: {
    title: "The cluster's Kubernetes is too old",
    why: "The gate rests on match conditions and ValidatingAdmissionPolicy, and is supported from Kubernetes 1.31 on.",
    mend: "Upgrade the cluster's control plane first.",
  },
  GH2015: {
    title: "The cluster has a gate already",
    why: "Another stack, or something else than Pulumi, registered a gate in this cluster. Two would each answer for every Pod, and names that others refer to are fixed.",
    mend: "Use that stack, or destroy it first. After a stack was renamed or moved, `pulumi state move` and `pulumi state rename` keep the ownership.",
  },
  GH2021: {
    title: "The impact was not judged, and the change goes on",
    why: "There was nobody to ask, or no need: the cluster does not exist yet or has no workloads, the change can only deny less, or `requireImpact` is false. The line says which.",
    mend: "Nothing, unless you wanted an impact: then look at why the gate does not answer with `gatehouse doctor`.",
  },
  GH2022: {
    title: "Break-glass is in force",
    why: "The ConfigMap `gatehouse-emergency` holds entries, so that some images are admitted against the policy, for 24 hours at most.",
    mend: "Nothing to let the update through. See that what was urgent is fixed, and take the entries out.",
  },
  GH2031: {
    title: "The new gate does not become ready",
    why: "The roll-out was given up. What follows the code are the last words of the new replicas; the old ones keep serving.",
    mend: "Mend what the gate says, usually a code of its own such as GH1111 or GH1112, and run `pulumi up` again.",
  },
  GH2032: {
    title: "Why the new gate does not become ready cannot be read",
    why: "The roll-out was given up, and the gate's Pods could not be listed with the kubeconfig of this run.",
    mend: "Look yourself: `kubectl -n gatehouse get pods` and `kubectl -n gatehouse logs --previous` of the one that restarts.",
  },
} as const satisfies Record<string, MessageCodeEntry>;
