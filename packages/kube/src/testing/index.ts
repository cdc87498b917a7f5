/**
 * A Kubernetes API server in memory, for tests.
 *
 * @module
 * @example
 * const api = createFakeApi();
 * api.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
 * const kube = api.kube();
 */
export {
  createFakeApi,
  type Failure,
  type FakeApi,
  type FakeApiOptions,
  type ProxiedRequest,
} from "./fake-api.ts";
export type { Authorize } from "./identities.ts";
export { API_AUDIENCE, serviceAccountUser } from "./identities.ts";
export { listen, type ListeningApi } from "./listen.ts";
export type { Admission, Admit } from "./writes.ts";
