import { canonicalJson, sha256Hex } from "./canonical-json.ts";
import type { Policy } from "./model.ts";

const hashes = new WeakMap<Policy, string>();

/** SHA-256 of the policy's canonical JSON, 64 hex digits: the policy's name in events, metrics and ConfigMaps. */
export function policyHash(policy: Policy): string {
  const known = hashes.get(policy);
  if (known !== undefined) return known;
  const hash = sha256Hex(canonicalJson(policy, "the policy"));
  hashes.set(policy, hash);
  return hash;
}
