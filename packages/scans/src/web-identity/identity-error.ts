import { RegistryError, type RegistryErrorCode } from "../registry/errors.ts";

/**
 * Why the gate could not prove to a cloud who it is; each has one thing that mends it.
 *
 * - `token-file`: the projected token is not mounted, or empty.
 * - `token-expired`: the cloud takes the cluster's token for expired (or this node's clock is wrong).
 * - `issuer`: the cloud does not know the cluster's issuer, or cannot reach it.
 * - `audience`: the token is for another audience than the cloud wants.
 * - `subject`: namespace and service account are not those that the cloud trusts, or the role is not theirs.
 * - `not-found`: the role, tenant, client, pool or service account does not exist.
 * - `token-rejected`: the cloud says no and does not say why.
 */
export type IdentityProblem =
  | "token-file"
  | "token-expired"
  | "issuer"
  | "audience"
  | "subject"
  | "not-found"
  | "token-rejected";

const mends: Readonly<Record<IdentityProblem, string>> = {
  "token-file": "mount a projected service account token there",
  "token-expired": "check the clock of this node and the life of the projected token",
  issuer: "register this cluster's OIDC issuer, exact to the letter and reachable, with the cloud",
  audience: "give the projected token the audience that the cloud's trust names",
  subject: "trust exactly the gate's namespace and service account",
  "not-found": "check the name in the source's credentials",
  "token-rejected": "compare issuer, subject and audience of the token with the cloud's trust",
};

/** A failed exchange. Its message holds no token. */
export class IdentityError extends RegistryError {
  readonly problem: IdentityProblem;

  constructor(problem: IdentityProblem, what: string, options: { cause?: unknown; status?: number } = {}) {
    const code: RegistryErrorCode = "denied";
    super(code, `${what}; ${mends[problem]}`, options);
    this.problem = problem;
  }
}
