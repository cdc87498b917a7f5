/** Three hundred workloads over forty namespaces: scaled to zero, suspended, running, some with tags that have moved. */
import { createHash } from "node:crypto";
import { resources, resourceOf, type Kube, type KubeObject } from "@gatehouse/kube";
import { eventually } from "../cluster/testing/eventually.ts";
import { finding, registryHost, report, type TestImage } from "../gate/reports.ts";
import { workload, workloadKinds } from "../gate/workloads.ts";

type Fields = Record<string, unknown>;

const digestOf = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const image = (name: string, digest = digestOf(name)): TestImage => ({
  reference: `${registryHost}/${name}:1`,
  digest,
});
const high = { ...finding, VulnerabilityID: "CVE-2026-0002", PkgName: "zlib", Severity: "HIGH" };

const scanned: readonly [TestImage, readonly object[]][] = [
  [image("team/clean"), []],
  [image("team/critical"), [finding]],
  [image("team/high"), [high]],
  [image("team/both"), [finding, high]],
  [image("other/critical"), [finding]],
  // Their Pods run what the tag named before: see `digestThatRuns`.
  [image("team/mended"), []],
  [image("team/broken"), [finding]],
];

/** What the tags of moved images named when their Pods were started, by repository. */
const before: Readonly<Record<string, readonly object[]>> = { "team/mended": [finding], "team/broken": [] };

/** The reports of the fleet's images, and of the digests that moved tags have left behind. */
export const fleetReports: Readonly<Record<string, string>> = Object.fromEntries([
  ...scanned.map(([one, findings], index) => [`image-${index}.json`, report(one, findings)] as const),
  ...Object.entries(before).map(
    ([name, findings], index) =>
      [
        `before-${index}.json`,
        report({ reference: `${registryHost}/${name}:0`, digest: digestOf(`${name} before`) }, findings),
      ] as const,
  ),
]);

/** What a node's runtime says that it runs. */
export function digestThatRuns(reference: string): string {
  const name = reference.slice(`${registryHost}/`.length, reference.lastIndexOf(":"));
  return digestOf(Object.hasOwn(before, name) ? `${name} before` : name);
}

const references = [
  ...scanned.map(([{ reference }]) => reference),
  `${registryHost}/team/new:1`,
  "elsewhere.example/tool:1",
];

const namespaceName = (team: number) => `team-${team}`;
const namespaceLabels = (team: number): Record<string, string> => (team % 6 === 0 ? { tier: "lab" } : {});

/** The forty namespaces. */
const namespaces: readonly Fields[] = Array.from({ length: 40 }, (_, team) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: namespaceName(team), labels: namespaceLabels(team) },
}));

/** The workloads, of every kind that the gate judges. */
export function fleet(count = 300): Fields[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = workloadKinds[index % workloadKinds.length] ?? "Pod";
    const reference = references[(index * 5 + Math.floor(index / 7)) % references.length] ?? "";
    const name = `app-${index}`;
    const spec: Fields =
      kind === "CronJob" || kind === "Job"
        ? { suspend: true }
        : kind === "DaemonSet" || kind === "Pod" || kind === "PodTemplate"
          ? {}
          : { replicas: index % 3 === 0 ? 1 : 0 };
    // The owner's own labels are not always those of its Pods.
    const ownLabels = index % 5 === 0 ? { app: name, tier: "web" } : { app: name };
    const object = workload(kind, name, reference, {
      namespace: namespaceName(index % 40),
      metadata: { labels: ownLabels },
      spec,
      // A DaemonSet without nodes.
      ...(kind === "DaemonSet" ? { podSpec: { nodeSelector: { nowhere: "here" } } } : {}),
    });
    const template = templateOf(object);
    if (template !== undefined && index % 4 === 0)
      template.metadata.labels = { ...template.metadata.labels, tier: "web" };
    return object;
  });
}

interface Template {
  metadata: { labels: Record<string, string> };
  spec: unknown;
}

function templateOf(object: Fields): Template | undefined {
  const spec = object["spec"] as
    | { template?: Template; jobTemplate?: { spec: { template: Template } } }
    | undefined;
  return spec?.template ?? spec?.jobTemplate?.spec.template ?? (object["template"] as Template | undefined);
}

/** The Pod that an object's controller makes of it; undefined where it makes none. */
function podOf(object: KubeObject): Fields | undefined {
  const { kind, apiVersion, metadata } = object;
  if (kind === "Pod" || kind === "PodTemplate") return undefined;
  const template = templateOf(object as unknown as Fields);
  const { name, namespace, uid } = metadata;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: template?.metadata.labels,
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
    },
    spec: template?.spec,
  };
}

const resourceFor = (object: Fields) => {
  const resource = resourceOf(object as { apiVersion: string; kind: string });
  if (resource === undefined) throw new Error(`no resource for ${String(object["kind"])}`);
  return resource;
};

/** Does something to each, several at a time. */
export async function forAll<T>(
  items: readonly T[],
  act: (item: T) => Promise<void>,
  atOnce = 16,
): Promise<void> {
  const next = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of next) await act(item);
    }),
  );
}

/** Creates namespaces and workloads; returns the workloads as the server has them. */
export async function createFleet(kube: Kube, objects: readonly Fields[]): Promise<KubeObject[]> {
  await forAll(namespaces, async (object) => void (await kube.create(resources.namespaces, object as never)));
  const made: KubeObject[] = [];
  await forAll(objects, async (object) => {
    made.push(await kube.create(resourceFor(object), object as never));
  });
  return made;
}

/** Whether the gate denies an object. Nothing is made: an object that is there already is refused after admission. */
async function denies(kube: Kube, object: Fields): Promise<boolean> {
  const said = await refusalOf(kube, object, true);
  if (said === undefined || said.includes("already exists")) return false;
  return isDenial(said);
}

/** Why an object was not created; undefined when it was. */
async function refusalOf(kube: Kube, object: Fields, dryRun: boolean): Promise<string | undefined> {
  try {
    await kube.create(resourceFor(object), object as never, { dryRun });
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** @throws Error when it was refused by anything but the gate */
function isDenial(said: string): boolean {
  if (said.includes("Gatehouse denied")) return true;
  throw new Error(said);
}

const ownerOf = (object: Fields): string => {
  const { name, namespace } = object["metadata"] as { name: string; namespace: string };
  return `${namespace}/${String(object["kind"])}/${name}`;
};

/** Deletes each object, and all that its controller has made, and creates it again; returns the owners that are denied. */
export async function recreate(kube: Kube, objects: readonly Fields[]): Promise<string[]> {
  const denied: string[] = [];
  await forAll(objects, async (object) => {
    const resource = resourceFor(object);
    const { name, namespace } = object["metadata"] as { name: string; namespace: string };
    await kube.delete(resource, { namespace, name }, { propagationPolicy: "Foreground" });
    await eventually(async () => {
      const left = await kube.find(resource, { namespace, name }, { metadataOnly: true });
      if (left !== undefined) throw new Error(`${ownerOf(object)} is still there`);
    }, 180);
    const said = await refusalOf(kube, object, false);
    if (said !== undefined && isDenial(said)) denied.push(ownerOf(object));
  });
  return denied.sort();
}

/** Owners that the gate denies when they, or the Pods that their controllers make, are created again; sorted. */
export async function deniedOwners(
  kube: Kube,
  objects: readonly Fields[],
  made: readonly KubeObject[],
): Promise<string[]> {
  const byName = new Map(made.map((object) => [`${object.kind} ${object.metadata.name}`, object]));
  const denied: string[] = [];
  await forAll(objects, async (object) => {
    const { name } = object["metadata"] as { name: string };
    const live = byName.get(`${String(object["kind"])} ${name}`);
    const pod = live && podOf(live);
    if ((await denies(kube, object)) || (pod !== undefined && (await denies(kube, pod))))
      denied.push(ownerOf(object));
  });
  return denied.sort();
}
