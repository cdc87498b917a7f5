import type { Held } from "./cloud-identity.ts";

/**
 * Runs `use` with a credential; when the answer calls that credential expired, once more with a new one. What the
 * second answer says stands: a clock or a revocation that no renewal mends must not become a loop.
 */
export async function withFresh<T, R>(
  credential: Held<T>,
  signal: AbortSignal,
  use: (value: T) => Promise<R>,
  isExpired: (answer: R) => boolean,
): Promise<R> {
  const value = await credential.get(signal);
  const answer = await use(value);
  if (!isExpired(answer)) return answer;
  credential.expired(value);
  return await use(await credential.get(signal));
}
