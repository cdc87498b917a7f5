/** Which kind of report the cluster serves. */
import type { Kube, Resource } from "@gatehouse/kube";

/** A kind of report that we write. Both have the same results; OpenReports names its source once for all as well. */
export interface ReportApi {
  readonly resource: Resource;
  readonly hasSource: boolean;
}

/** Newest first: the first that is served is used. */
const apis: readonly ReportApi[] = [
  {
    resource: {
      group: "openreports.io",
      version: "v1alpha1",
      kind: "Report",
      plural: "reports",
      namespaced: true,
    },
    hasSource: true,
  },
  {
    resource: {
      group: "wgpolicyk8s.io",
      version: "v1alpha2",
      kind: "PolicyReport",
      plural: "policyreports",
      namespaced: true,
    },
    hasSource: false,
  },
];

/** The kind to write; undefined when the cluster serves none. @throws KubeError when it does not answer */
export async function findReportApi(kube: Pick<Kube, "hasApi">): Promise<ReportApi | undefined> {
  for (const api of apis) {
    const { group, version } = api.resource;
    if (await kube.hasApi(`${group}/${version}`)) return api;
  }
  return undefined;
}
