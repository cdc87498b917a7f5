/**
 * A Kubernetes client small enough for the gate's bundle.
 *
 * @module
 */
export { createKube, type Kube } from "./client.ts";
export type { Credential, Credentials, KubeConfig } from "./config.ts";
export type { ServerVersion } from "./discovery.ts";
export { isKubeError, KubeError, type Asked, type KubeErrorCode } from "./errors.ts";
export { inCluster, SERVICE_ACCOUNT_DIRECTORY, type InClusterOptions } from "./in-cluster.ts";
export { createInformer, type Informer, type InformerMetric, type InformerOptions } from "./informer.ts";
export type { InventoryHandlers } from "./inventory.ts";
export { holdLease, type LeaseHandle, type LeaseOptions } from "./lease.ts";
export type { KubeList, KubeObject, KubePage, Manifest, ObjectMeta, OwnerReference } from "./objects.ts";
export { collectionPath, objectPath, type ObjectRef, type Query } from "./paths.ts";
export type { Answer, CallOptions, CallReport, KubeOptions, Surroundings } from "./request.ts";
export { apiVersionOf, resourceOf, resources, type Resource } from "./resources.ts";
export type {
  AccessAttributes,
  AccessVerdict,
  IssuedToken,
  Reviews,
  TokenRequestOptions,
  TokenVerdict,
  UserInfo,
} from "./reviews.ts";
export type { ServicePort, ServiceProxyOptions } from "./service-proxy.ts";
export { createTransport, type KubeFetch, type KubeRequest, type TlsMaterial } from "./transport.ts";
export type {
  ApplyOptions,
  DeleteOptions,
  GetOptions,
  ListOptions,
  Patch,
  Selection,
  Verbs,
  WriteOptions,
} from "./verb-types.ts";
export type { WatchEvent, WatchOptions } from "./watch.ts";
export {
  createServiceCaller,
  ServiceRefusal,
  type ServiceCaller,
  type ServiceQuestion,
} from "./service-caller.ts";
export { createServiceIdentity, type CalledService, type ServiceIdentity } from "./service-identity.ts";
