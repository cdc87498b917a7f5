/** `node test/pulumi/record.ts FILE`: takes the preview of an install anew, on a cluster of its own. */
import { writeFileSync } from "node:fs";
import { startCluster } from "../cluster/cluster.ts";
import { reportProgress } from "../cluster/progress.ts";
import { createProject, type Project } from "./project.ts";
import { recorded } from "./recording.ts";

/** The preview of the project's next update, in the form that is committed. */
export async function record(project: Project, kubeconfig: string): Promise<unknown> {
  return recorded(await project.pulumi("preview", "--json", "--stack", "local"), {
    [kubeconfig]: "KUBECONFIG",
    [project.folder]: "PROJECT",
  });
}

/** Settings of the recorded install. */
export function installSettings(kubeconfig: string): Readonly<Record<string, unknown>> {
  return { cloud: "local", clusterName: "local", mode: "deny", kubeconfig };
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined)
    throw new Error("expected the file to write, such as recordings/2026-11-22-install.json");
  const cluster = await startCluster({ onBuild: reportProgress(process.stderr) });
  const project = await createProject();
  try {
    project.configure(installSettings(cluster.kubeconfig));
    project.writePolicy("Criticals do not ship");
    writeFileSync(file, `${JSON.stringify(await record(project, cluster.kubeconfig), null, 2)}\n`);
  } finally {
    project.remove();
    await cluster.stop();
  }
}
