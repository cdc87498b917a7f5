import type { ReadFile } from "../credentials/login.ts";
import { IdentityError } from "./identity-error.ts";

/** A projected token, read afresh: the kubelet replaces it under the gate. @throws IdentityError `token-file`. */
export async function readTokenFile(path: string, readFile: ReadFile): Promise<string> {
  let text: string;
  try {
    text = (await readFile(path)).trim();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    throw new IdentityError(
      "token-file",
      `${path} cannot be read (${typeof code === "string" ? code : "error"})`,
      {
        cause: error,
      },
    );
  }
  if (!/^[\x21-\x7e]{1,65536}$/.test(text))
    throw new IdentityError("token-file", `${path} does not hold one token`);
  return text;
}
