import { RegistryError } from "../registry/errors.ts";
import type { RegistryLogin } from "../credentials/login.ts";
import { asRecord } from "../parse/values.ts";
import { asMoment } from "../cloud/cloud-report.ts";
import type { Issued } from "../web-identity/token-store.ts";
import type { EcrApi } from "./api.ts";
import type { EcrHost } from "./host.ts";

/** ECR says that a token lives for twelve hours; one that does not say gets less. */
const defaultLifeMs = 60 * 60_000;

/** The login for ECR's registries of one region that the caller may read (GetAuthorizationToken). */
export async function authorizationToken(
  api: EcrApi,
  { region, api: host }: EcrHost,
  now: () => number,
  signal: AbortSignal,
): Promise<Issued<RegistryLogin>> {
  const body = await api.ecr({ region, host, operation: "GetAuthorizationToken", body: {} }, signal);
  const list = body["authorizationData"];
  const first = Array.isArray(list) ? asRecord(list[0]) : undefined;
  const text = first?.["authorizationToken"];
  const [, username, password] =
    /^([^:]+):([\x21-\x7e]+)$/.exec(typeof text === "string" ? Buffer.from(text, "base64").toString() : "") ??
    [];
  if (username === undefined || password === undefined)
    throw new RegistryError("malformed", `${host}: answered without an authorization token`);
  const expiresAt = asMoment(first?.["expiresAt"]);
  const life = expiresAt === undefined ? defaultLifeMs : Date.parse(expiresAt) - now();
  return {
    value: { username, password },
    // A wrong clock here makes it shorter or longer than it is; a refused login is asked for anew.
    lifeMs: Math.min(Math.max(life, 60_000), 12 * 60 * 60_000),
  };
}
