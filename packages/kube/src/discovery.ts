import * as z from "zod/mini";
import { invalidCall, isKubeError } from "./errors.ts";
import { check, parseJson } from "./objects.ts";
import { segment } from "./paths.ts";
import type { CallOptions, Requester } from "./request.ts";

/** The API server's version. */
export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
  /** As it says it itself, such as `v1.34.2-gke.100`. */
  readonly gitVersion: string;
}

const version = z.looseObject({
  major: z.string().check(z.regex(/^\d+/)),
  // Some clouds add a plus sign: "31+".
  minor: z.string().check(z.regex(/^\d+/)),
  gitVersion: z.string(),
});

const resourceList = z.looseObject({ kind: z.literal("APIResourceList"), groupVersion: z.string() });

/** `GET /version`. */
export async function serverVersion(requester: Requester, options: CallOptions = {}): Promise<ServerVersion> {
  const asked = { method: "GET", path: "/version" };
  const answer = await requester.call({ ...asked, ...options, repeatable: true });
  const said = check(asked, version, parseJson(asked, answer.text), "the server's version");
  return {
    major: Number.parseInt(said.major, 10),
    minor: Number.parseInt(said.minor, 10),
    gitVersion: said.gitVersion,
  };
}

/** Whether the API server serves `v1` or `group/version`. Any answer but yes and 404 is an error. */
export async function hasApi(
  requester: Requester,
  groupVersion: string,
  options: CallOptions = {},
): Promise<boolean> {
  const parts = groupVersion.split("/");
  if (parts.length > 2)
    throw invalidCall(`expected v1 or group/version, got ${JSON.stringify(groupVersion)}`);
  const path = `${parts.length === 1 ? "/api" : "/apis"}/${parts.map((part) => segment("group", part)).join("/")}`;
  const asked = { method: "GET", path };
  try {
    const answer = await requester.call({ ...asked, ...options, repeatable: true });
    check(asked, resourceList, parseJson(asked, answer.text), "the resources of an API");
    return true;
  } catch (error) {
    if (isKubeError(error, "not-found")) return false;
    throw error;
  }
}
