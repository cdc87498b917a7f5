/**
 * What stands beside a judge in a cluster, in a process of its own: an API server in memory with workloads to report on,
 * a receiver of events and the bundled observer. Says how to start judges, and ends with whoever forked it.
 */
import { join } from "node:path";
import { resources, type Manifest } from "@gatehouse/kube";
import { buildObserver } from "@gatehouse/webhook/build";
import { writeGateFiles } from "../load/gate-files.ts";
import { openSmallCluster } from "../load/observer-process.ts";
import { openReceiver } from "../load/receiver.ts";
import { eventsPolicy, imagesPerReview } from "./events-samples.ts";
import { writeReports } from "./samples.ts";

/** How to start judges, once all stands. */
export interface Beside {
  folder: string;
  ca: string;
  secret: string;
  /** Flags of every judge, and those of one that has an observer. */
  flags: readonly string[];
  observerFlags: readonly string[];
}

/** What came of it, when asked for. */
export interface CameOfIt {
  received: number;
  reports: number;
  kubernetesEvents: number;
}

/** Workloads to report on: enough that reports are still being written when all is measured. */
const workloads = 2_000;
const findingsEach = 200;
const openReports = {
  group: "openreports.io",
  version: "v1alpha1",
  kind: "Report",
  plural: "reports",
  namespaced: true,
} as const;

const receiver = await openReceiver();
const files = await writeGateFiles(eventsPolicy(), (folder) => ({
  sources: [
    {
      type: "file",
      name: "reports",
      directory: join(folder, "reports"),
      registries: ["registry.example.com"],
    },
  ],
  eventSink: { url: receiver.url },
  clusterState: { reports: true, events: "all" },
}));
writeReports(join(files.folder, "reports"), imagesPerReview, findingsEach);
const cluster = await openSmallCluster(files, { resources: [openReports], objects: [...deployments()] });
const { file } = await buildObserver(join(files.folder, "observer.mjs"));
const observer = await cluster.observer(file, { args: ["--listen=127.0.0.1:0", "--instance=observer-0"] });

const beside: Beside = {
  folder: files.folder,
  ca: files.authority.certificate,
  secret: files.secret,
  flags: files.flags,
  observerFlags: await cluster.judgeFlags(observer.url),
};
process.on("message", () => {
  const came: CameOfIt = {
    received: receiver.taken.size,
    reports: cluster.api.objects(openReports).length,
    kubernetesEvents: cluster.api.objects(resources.events).length,
  };
  process.send?.(came);
});
process.on("disconnect", () => {
  void observer.kill().then(async () => {
    await files.remove();
    process.exit();
  });
});
process.send?.(beside);

function* deployments(): Generator<Manifest> {
  yield { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  for (let index = 0; index < workloads; index += 1) {
    const name = `app-${index}`;
    const image = `registry.example.com/shop/api-${index % imagesPerReview}:1`;
    yield {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace: "shop", uid: `uid-${name}` },
      spec: {
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "app", image }] } },
      },
    };
  }
}
