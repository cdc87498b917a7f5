/** What the client must know of a kind to build its paths and check its answers. */
export interface Resource {
  /** API group, `""` for the core group. */
  readonly group: string;
  readonly version: string;
  /** `Pod`. */
  readonly kind: string;
  /** `pods`. */
  readonly plural: string;
  readonly namespaced: boolean;
}

function namespaced(group: string, version: string, kind: string, plural: string): Resource {
  return { group, version, kind, plural, namespaced: true };
}

function clusterWide(group: string, version: string, kind: string, plural: string): Resource {
  return { group, version, kind, plural, namespaced: false };
}

const admission = "admissionregistration.k8s.io";
const rbac = "rbac.authorization.k8s.io";

/** The kinds Gatehouse reads or writes, by their plural. Any other kind: write a {@link Resource} yourself. */
export const resources = {
  configMaps: namespaced("", "v1", "ConfigMap", "configmaps"),
  coreEvents: namespaced("", "v1", "Event", "events"),
  namespaces: clusterWide("", "v1", "Namespace", "namespaces"),
  nodes: clusterWide("", "v1", "Node", "nodes"),
  pods: namespaced("", "v1", "Pod", "pods"),
  podTemplates: namespaced("", "v1", "PodTemplate", "podtemplates"),
  replicationControllers: namespaced("", "v1", "ReplicationController", "replicationcontrollers"),
  secrets: namespaced("", "v1", "Secret", "secrets"),
  serviceAccounts: namespaced("", "v1", "ServiceAccount", "serviceaccounts"),
  services: namespaced("", "v1", "Service", "services"),
  daemonSets: namespaced("apps", "v1", "DaemonSet", "daemonsets"),
  deployments: namespaced("apps", "v1", "Deployment", "deployments"),
  replicaSets: namespaced("apps", "v1", "ReplicaSet", "replicasets"),
  statefulSets: namespaced("apps", "v1", "StatefulSet", "statefulsets"),
  cronJobs: namespaced("batch", "v1", "CronJob", "cronjobs"),
  jobs: namespaced("batch", "v1", "Job", "jobs"),
  leases: namespaced("coordination.k8s.io", "v1", "Lease", "leases"),
  endpointSlices: namespaced("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
  events: namespaced("events.k8s.io", "v1", "Event", "events"),
  networkPolicies: namespaced("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
  podDisruptionBudgets: namespaced("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
  priorityClasses: clusterWide("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"),
  clusterRoleBindings: clusterWide(rbac, "v1", "ClusterRoleBinding", "clusterrolebindings"),
  clusterRoles: clusterWide(rbac, "v1", "ClusterRole", "clusterroles"),
  roleBindings: namespaced(rbac, "v1", "RoleBinding", "rolebindings"),
  roles: namespaced(rbac, "v1", "Role", "roles"),
  mutatingWebhooks: clusterWide(
    admission,
    "v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
  ),
  validatingWebhooks: clusterWide(
    admission,
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
  ),
  validatingPolicies: clusterWide(
    admission,
    "v1",
    "ValidatingAdmissionPolicy",
    "validatingadmissionpolicies",
  ),
  validatingPolicyBindings: clusterWide(
    admission,
    "v1",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
  ),
} as const satisfies Record<string, Resource>;

/** `v1` or `apps/v1`, as manifests write it. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** The known resource of a manifest's or an owner reference's type, or undefined. */
export function resourceOf(type: {
  readonly apiVersion: string;
  readonly kind: string;
}): Resource | undefined {
  return Object.values<Resource>(resources).find(
    (resource) => resource.kind === type.kind && apiVersionOf(resource) === type.apiVersion,
  );
}
