import type { IncompleteState } from "./scan.ts";

/** What the documentation says about one code. */
export interface MessageCodeEntry {
  /** A few words, for a heading. */
  title: string;
  /** Why it happens, in a paragraph. */
  why: string;
  /** What the reader can do about it, in a paragraph. */
  mend: string;
}

/**
 * Every code that an answer of the gate to an admission can carry: `GH10…`. A code never changes its meaning and is
 * never used again for another. The codes of all other messages are in `operator-codes.ts` and `command-codes.ts`; the
 * documentation's entries are made from these tables.
 */
export const messageCodes = {
  GH1001: {
    title: "The image has findings that a rule does not allow",
    why: "A scan of this image found vulnerabilities, and a rule of the cluster's policy counts them: by severity, by id, by how long a fix has been out, or by what else the rule names. The message lists the worst of them with the package and, where the source knows one, the version that fixes it.",
    mend: "Rebuild the image with the fixed versions, let it be scanned and deploy the new digest. Where no fix exists or the code cannot be reached, ask for an exemption in the way the message names; an exemption needs a reason, an owner and an end.",
  },
  GH1002: {
    title: "The image or its scan meets a condition that needs no finding",
    why: "The rule looks at the age of the scan, the age of the image or at who signed the scan report, and what is known of this image meets that condition.",
    mend: "Rebuild an image that is too old, have one scanned again whose scan is too old, and see that the scanner signs its reports with an identity that the source trusts.",
  },
  GH1003: {
    title: "What a rule asks for is not known",
    why: "The rule looks at something, such as a severity, a fix date or an EPSS score, that the scan's source does not give for these findings. Unknown counts as a match in a rule that denies, unless the rule says to skip it. This is not a statement that the image is bad: the gate could not tell.",
    mend: 'Look at the findings named and treat them as you would GH1001. When the source never knows the attribute, the owner of the policy can say `ifUnknown: "skip"` in the rule or choose a source that knows it.',
  },
  GH1011: {
    title: "The scan is still running",
    why: "The image's scan was asked for or has begun and its end is not proven yet. A list of findings without that proof is never taken for a complete one. Images deployed right after they were pushed meet this often.",
    mend: "Wait for the scan to end and deploy again; the source named in the message shows its progress.",
  },
  GH1012: {
    title: "The scan covers only a part of the image",
    why: "A layer, a kind of package or a page of the result is missing, so the absence of findings means nothing.",
    mend: "Have the image scanned again. If it stays partial, the scanner's own log says which part it cannot read.",
  },
  GH1013: {
    title: "The scan failed",
    why: "The scanner gave up on this image, so nothing is known about it.",
    mend: "Read the scanner's reason in the registry, mend it and have the image scanned again.",
  },
  GH1014: {
    title: "Nothing that the gate asks can scan this image",
    why: "No source of the gate covers the image's registry, or the scanner does not know its operating system, media type or platform. Registries that no source names are never contacted.",
    mend: "Push the image to a registry that is covered, build it on a base that the scanner knows, or have the owner of the gate add a source for the registry.",
  },
  GH1015: {
    title: "The image was never scanned",
    why: "The source answered and has no scan of this digest.",
    mend: "Have the image scanned: check that scanning is on for its repository, or push it again where scanning happens on push.",
  },
  GH1016: {
    title: "The scan is too old",
    why: "The image was scanned, but longer ago than the source's terms or the gate's configuration allow. New vulnerabilities may have been published since.",
    mend: "Have the image scanned again, or rebuild and push it. Registries often stop scanning images that nobody pulls.",
  },
  GH1017: {
    title: "The scan result could not be read in time",
    why: "The registry or the scan's source did not answer, refused, or answered too slowly for the time that the API server gives. This says nothing about the image. The look-up goes on after the answer.",
    mend: "Try again in a few seconds: the result is often there by then. If it stays, the owner of the gate finds the cause in the metrics of the source that the message names.",
  },
  GH1021: {
    title: "An image reference is not valid",
    why: "The object names an image by a text that is not an image reference, so there is nothing that could be looked up. The container runtime would refuse it as well.",
    mend: "Correct the reference at the field that the message names: `registry/repository:tag`, `registry/repository@sha256:…`, or both.",
  },
  GH1022: {
    title: "The object's images cannot be read",
    why: "The object does not have the shape of its kind where images stand, so the gate cannot tell which images it would run.",
    mend: "Correct the fields that the message names.",
  },
  GH1023: {
    title: "The gate does not know this kind of object",
    why: "The webhook configuration sends the gate a kind or subresource whose images it does not know how to find. It does not admit what it cannot judge.",
    mend: "Have the owner of the gate take the kind out of the webhook configuration; the gate's own configuration never asks for it.",
  },
  GH1031: {
    title: "The gate failed while it judged",
    why: "An error inside the gate kept it from a verdict. What it cannot judge it does not admit in mode deny.",
    mend: "Try again. If it stays, hand the owner of the gate the request id of the message: the gate's log has the error under it.",
  },
} as const satisfies Record<string, MessageCodeEntry>;

/** A code of {@link messageCodes}. */
export type MessageCode = keyof typeof messageCodes;

/** The code of each scan state that is not complete. */
export const stateCodes: Readonly<Record<IncompleteState, MessageCode>> = {
  pending: "GH1011",
  partial: "GH1012",
  failed: "GH1013",
  unsupported: "GH1014",
  absent: "GH1015",
  stale: "GH1016",
  unavailable: "GH1017",
};
