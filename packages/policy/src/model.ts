import type { Instant } from "./finding.ts";
import type { IncompleteState } from "./scan.ts";
import type { KnownSeverity, Severity } from "./severity.ts";

/** What becomes of an image, mildest first. */
export const outcomes = ["allow", "audit", "deny"] as const;
/** One of {@link outcomes}. */
export type Outcome = (typeof outcomes)[number];

/** What a rule may do at most. */
export type RuleAction = Exclude<Outcome, "allow">;

/** Whether a cluster enforces. Belongs to the cluster, not to the policy; see `applyMode`. */
export const modes = ["audit", "deny"] as const;
/** One of {@link modes}. */
export type Mode = (typeof modes)[number];

/** A length of time: a whole number and `m`, `h`, `d` or `w`, such as `14d`. */
export type Duration = `${number}${"m" | "h" | "d" | "w"}`;

/**
 * One or more patterns. `*` may stand first, last or both: `x` equals, `x*` starts with, `*x` ends with, `*x*`
 * contains; a leading `!` negates. A list matches when one of its positive patterns matches (or it has none) and no
 * negated one does.
 */
export type Patterns = string | readonly string[];

/** Which images of which objects a rule or exemption is about. Fields are joined by "and"; an absent one asks nothing. */
export interface Scope {
  cluster?: {
    name?: Patterns;
    cloud?: Patterns;
    /** Azure subscription, AWS account or Google project. */
    account?: Patterns;
    region?: Patterns;
    labels?: Readonly<Record<string, Patterns>>;
  };
  /** By name, or `{ name, labels }`. */
  namespace?: Patterns | { name?: Patterns; labels?: Readonly<Record<string, Patterns>> };
  /** The top owner. */
  workload?: { kind?: Patterns; name?: Patterns };
  /** The Pod's name, else its generateName. */
  pod?: Patterns;
  /** Labels of the object under review. */
  labels?: Readonly<Record<string, Patterns>>;
  /** Registry host, `docker.io` for Docker Hub. */
  registry?: Patterns;
  /** Path without the registry, `library/nginx`. */
  repository?: Patterns;
  /** Whole reference with its registry: `docker.io/library/nginx`, with `:tag` or `@sha256:…` where wanted. */
  image?: Patterns;
  /** Digest of the index or of the platform's child. */
  digest?: Patterns;
}

/** What can be asked of a finding. All fields must hold at once for the same finding. */
export interface FindingAttributes {
  /** This severity or worse. */
  minSeverity?: KnownSeverity;
  /** One of exactly these; `unknown` may be named. */
  severity?: Severity | readonly Severity[];
  /** CVE or other ids; aliases count. */
  cves?: Patterns;
  /** CVSS base score, 0 to 10. */
  minCvss?: number;
  /** EPSS probability, 0 to 1. */
  minEpss?: number;
  /** In CISA's catalogue of known exploited vulnerabilities, or not. */
  knownExploited?: boolean;
  /** A fixed version exists, or does not. */
  fixAvailable?: boolean;
  /** The version that fixes it. */
  fixedIn?: Patterns;
  /** A fix has been out for longer than this. */
  fixAvailableFor?: Duration;
  /** Published longer ago than this. */
  publishedFor?: Duration;
  /** First seen in this image longer ago than this. */
  firstSeenFor?: Duration;
  /** Package name. */
  packages?: Patterns;
  /** Package URL type: `deb`, `npm`, … */
  packageTypes?: Patterns;
  /** Findings that this matches do not count. Unknown stays unknown. */
  not?: FindingAttributes;
}

/** Which findings count. */
export interface FindingFilter extends FindingAttributes {
  /** What an attribute that the source does not know does to this filter. Default: `match`. */
  ifUnknown?: "match" | "skip";
}

/** When a rule applies. Every condition is monotone: another finding never makes one false. */
export type Condition =
  | { findings: FindingFilter & { /** How many findings it takes. Default 1. */ atLeast?: number } }
  | { scanAge: { olderThan: Duration } }
  | { imageAge: { olderThan: Duration; ifUnknown?: "match" | "skip" } }
  | { unsignedReport: Record<string, never> }
  | { allOf: readonly Condition[] }
  | { anyOf: readonly Condition[] };

/** What a rule does about an image whose scan is not complete. */
export type StateActions = Readonly<Record<IncompleteState, Outcome>>;

/** Lets digests that already run be scheduled again in their namespace for a while. */
export interface RunningGrace {
  /** A date (through its end, UTC) or an instant. */
  admitUntil: string;
}

/** A rule: which images it is about, when it applies, and what it then does. */
export interface Rule {
  description: string;
  /** What the rule does at most. */
  action: RuleAction;
  enabled: boolean;
  where?: Scope;
  /** One scope or several: an image in any of them is left alone by this rule. */
  except?: Scope | readonly Scope[];
  when: Condition;
  onScan: StateActions;
  running?: RunningGrace;
}

/** What is let off, where, and until when. */
export interface Exemption {
  reason: string;
  /** Who answers for it: a team or an address. */
  owner: string;
  ticket?: string;
  /** A bare date ends that day, UTC; or an instant. Exactly one of `until` and `permanent`. */
  until?: string;
  permanent?: true;
  where?: Scope;
  /** Only for these rules; all when absent. */
  rules?: readonly string[];
  /** Only these ids; aliases count. */
  cves?: Patterns;
  /** Only in these packages. */
  packages?: Patterns;
  /** Also excuses these scan states. */
  states?: readonly IncompleteState[];
  /** Ends for a finding as soon as a fix for it exists; a fix that is not known to be missing ends it too. */
  untilFixed?: boolean;
}

/** Statuses of VEX (https://www.cisa.gov/sites/default/files/2023-04/minimum-requirements-for-vex-508c.pdf). */
export const vexStatuses = ["not_affected", "fixed", "affected", "under_investigation"] as const;
/** One of {@link vexStatuses}. */
export type VexStatus = (typeof vexStatuses)[number];

/**
 * What a VEX document says of one vulnerability: OpenVEX and CycloneDX VEX are both brought to this form. Statements
 * of every status are kept: `not_affected` and `fixed` take findings out, the others revoke earlier ones that do.
 */
export interface VexStatement {
  /** CVE or other id of the vulnerability. */
  vulnerability: string;
  aliases?: readonly string[];
  status: VexStatus;
  /** What it is about: any of these. Without one it is about nothing. */
  products: readonly VexProduct[];
  justification?: string;
  /** Since when it is known to be true; of several that fit a finding the latest counts. */
  timestamp?: Instant;
  /** Where it came from: document id. */
  document: string;
}

/** An image, a package or a package in an image: all fields must fit; without any it is nothing. */
export interface VexProduct {
  /** Image digest `sha256:…`, of the index or of a platform's manifest. */
  digest?: string;
  /** `registry/repository`. */
  repository?: string;
  tag?: string;
  /** purl of the package without qualifiers; any version when it has none. */
  package?: string;
}

/** A whole policy in its JSON form: pure data, the same for every cluster. */
export interface Policy {
  version: 1;
  rules: Readonly<Record<string, Rule>>;
  exemptions: Readonly<Record<string, Exemption>>;
  vex: readonly VexStatement[];
  /** One line that tells a denied developer how to get an exemption. */
  exemptionHelp: string;
}
