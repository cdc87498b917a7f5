import { expect, test } from "vitest";
import { versionProblems } from "./components.ts";

test.each(["1.31", "1.31.4", "1.31.4-gke.1183000", "v1.32.0", "1.40", "2.0", "1.31+"])(
  "%s is new enough",
  (version) => expect(versionProblems("cluster", version)).toEqual([]),
);

test.each(["1.30.9", "1.3", "0.99", "", "latest", "1", "1.31x", undefined, null])(
  "%s is too old, or no version",
  (version) =>
    expect(versionProblems("cluster", version)).toEqual([
      {
        path: "cluster",
        problem: `expected a cluster of Kubernetes 1.31 or later, got ${JSON.stringify(version) ?? "nothing"}; upgrade it first`,
      },
    ]),
);
