import type { Credentials } from "@gatehouse/policy";
import { anonymous, type Credential, type ReadFile } from "./login.ts";

/**
 * The way to prove to a registry who the gate is. Files are read again for each login, so that what is rotated under
 * the gate is what is sent.
 *
 * @throws Error for a kind that cannot be used with this source.
 */
export function credentialFrom(config: Credentials | undefined, readFile: ReadFile): Credential {
  if (config === undefined || config.kind === "anonymous") return anonymous;
  if (config.kind === "basic") {
    const { usernameFile, passwordFile } = config;
    return async () => {
      const [username, password] = await Promise.all([readFile(usernameFile), readFile(passwordFile)]);
      return { username: username.trimEnd(), password: password.trimEnd() };
    };
  }
  throw new Error(
    `credentials of kind ${JSON.stringify(config.kind)} are not supported here; use anonymous or basic`,
  );
}
