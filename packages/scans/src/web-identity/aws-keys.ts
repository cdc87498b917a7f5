import { RegistryError } from "../registry/errors.ts";
import { lifeUntil } from "./deps.ts";
import type { Issued } from "./token-store.ts";

/** Temporary credentials of AWS. */
export interface AwsKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

/** Checks each part against the grammar that AWS documents for it. @throws RegistryError `malformed`. */
export function awsKeys(
  parts: { accessKeyId: unknown; secretAccessKey: unknown; sessionToken: unknown; expiration: unknown },
  where: string,
  startedAt: number,
  clockAheadMs: number,
): Issued<AwsKeys> {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = parts;
  if (
    typeof accessKeyId !== "string" ||
    !/^\w{16,128}$/.test(accessKeyId) ||
    typeof secretAccessKey !== "string" ||
    !/^[\x21-\x7e]{16,512}$/.test(secretAccessKey) ||
    typeof sessionToken !== "string" ||
    !/^[\x21-\x7e]{1,16384}$/.test(sessionToken) ||
    typeof expiration !== "string" ||
    Number.isNaN(Date.parse(expiration))
  )
    throw new RegistryError("malformed", `${where}: answered without a whole set of credentials`);
  return {
    value: { accessKeyId, secretAccessKey, sessionToken },
    lifeMs: lifeUntil(expiration, startedAt, clockAheadMs),
  };
}
