/** What a registry's token realm, or the registry itself, takes as proof. Lives in memory only. */
export interface RegistryLogin {
  username: string;
  password: string;
  /** When it ends, in milliseconds since 1970; absent when its maker does not say. */
  expiresAt?: number;
}

/**
 * Gives the login for one registry host, or `undefined` for none. Called again whenever the last one has ended;
 * `refused` is one that the registry did not take although it should still live.
 */
export type Credential = (
  registry: string,
  signal: AbortSignal,
  refused?: RegistryLogin,
) => Promise<RegistryLogin | undefined>;

/** Reads a mounted file as text. */
export type ReadFile = (path: string) => Promise<string>;

/** No proof at all: public images. */
export const anonymous: Credential = () => Promise.resolve(undefined);
