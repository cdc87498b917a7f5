import type { ClusterFacts } from "../facts.ts";
import { findingsOf, type DoctorFinding } from "../finding.ts";
import { mendOfSource } from "../mend-source.ts";

const day = 24 * 60 * 60_000;
/** Every cloud scans again at least weekly what is in use. */
const old = 7 * day;

/** What each source has to say of the cluster's images, as the observer knows it. */
export function scanning({ config, scans, now }: ClusterFacts): DoctorFinding[] {
  const { ok, warning, problem } = findingsOf("scanning");
  if ("why" in config)
    return [
      warning(
        `the gate's configuration cannot be read: ${config.why}`,
        "kubectl get configmaps in the gate's namespace",
      ),
    ];
  const { sources } = config.value;
  if (sources.length === 0)
    return [
      problem(
        "no source of scan reports is configured: every image is unsupported",
        "give Gate its sources, then pulumi up",
      ),
    ];
  if ("why" in scans)
    return [
      warning(`what the observer knows of images cannot be read: ${scans.why}`, "gatehouse record says more"),
    ];
  return sources.map((source) => {
    const { name, type } = source;
    const known = scans.value.find((one) => one.source === name);
    const total = Object.values(known?.states ?? {}).reduce((sum, count) => sum + count, 0);
    const what = `source ${name} (${type})`;
    if (known === undefined || total === 0)
      return ok(`${what}: no image of the cluster is in its registries yet`);
    const { states, newestScan, reasons } = known;
    const counts = Object.entries(states)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([state, count]) => `${count} ${state}`)
      .join(", ");
    const newest = newestScan === undefined ? "" : `, newest scan ${newestScan}`;
    const text = `${what}: ${counts}${newest}`;
    const unavailable = reasons["unavailable"];
    if (states["unavailable"] === total)
      return problem(`${text}: ${unavailable ?? "no answer"}`, mendOfSource(source, unavailable ?? ""));
    if (states["absent"] === total)
      return problem(
        `${text}: nothing was ever scanned${reasons["absent"] === undefined ? "" : ` (${reasons["absent"]})`}`,
        mendOfSource(source, "scanning"),
      );
    if ((states["absent"] ?? 0) > total / 2)
      return warning(
        `${text}: most were never scanned${reasons["absent"] === undefined ? "" : ` (${reasons["absent"]})`}`,
        mendOfSource(source, "scanning"),
      );
    if ((states["unavailable"] ?? 0) > 0)
      return warning(`${text}: ${unavailable ?? "no answer"}`, mendOfSource(source, unavailable ?? ""));
    if (newestScan === undefined || now - Date.parse(newestScan) > old)
      return warning(`${text}: no scan ended in the last week`, mendOfSource(source, "scanning"));
    return ok(text);
  });
}
