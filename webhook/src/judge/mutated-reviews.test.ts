import { decide, unscanned, type ImageUse, type Subject } from "@gatehouse/policy";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { now, pod, policy, review, scans, secret, testApp, workload } from "../testing/fixtures.ts";

const runs = process.env["GATEHOUSE_SOAK"] ? 100_000 : 10_000;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const specs: Readonly<Record<string, string>> = {
  "v1 Pod": "spec",
  "apps/v1 Deployment": "spec.template.spec",
  "apps/v1 StatefulSet": "spec.template.spec",
  "batch/v1 Job": "spec.template.spec",
};

/** What is at the end of these field names, if anything is. */
const at = (value: Json | undefined, path: string): Json | undefined =>
  path
    .split(".")
    .reduce<Json | undefined>(
      (inner, key) =>
        typeof inner === "object" && inner !== null && !Array.isArray(inner) && Object.hasOwn(inner, key)
          ? inner[key]
          : undefined,
      value,
    );

/** What an object names, as a reader of the Kubernetes documentation would look for it: `containers nginx:1`. */
function images(object: Json, kind: string): string[] {
  const spec = at(object, specs[kind] ?? "");
  const found: string[] = [];
  const add = (list: string, reference: Json | undefined) => {
    found.push(`${list} ${typeof reference === "string" ? reference : ""}`);
  };
  for (const list of ["containers", "initContainers", "ephemeralContainers"]) {
    const entries = at(spec, list);
    if (Array.isArray(entries)) for (const entry of entries) add(list, at(entry, "image"));
  }
  const volumes = at(spec, "volumes");
  for (const volume of Array.isArray(volumes) ? volumes : []) {
    const image = at(volume, "image");
    if (image !== undefined && image !== null) add("volumes", at(image, "reference"));
  }
  return found;
}

const reference = fc.constantFrom(
  ...Object.keys(scans),
  "registry.example/never:1",
  "Not Valid",
  "nginx",
  "",
);
const original = fc
  .tuple(
    fc.constantFrom("Pod", "Deployment", "StatefulSet", "Job"),
    fc.array(reference, { minLength: 1, maxLength: 4 }),
    fc.array(reference, { minLength: 1, maxLength: 4 }),
    fc.constantFrom("CREATE", "UPDATE"),
    fc.constantFrom("shop", "billing", "sandbox"),
  )
  .map(([kind, after, before, operation, namespace]) => {
    const build = (of: readonly string[]) => {
      const object = kind === "Pod" ? pod(of) : workload(of, kind);
      return { ...object, metadata: { ...(object["metadata"] as object), namespace } };
    };
    return review(build(after), {
      operation,
      oldObject: operation === "UPDATE" ? build(before) : null,
    }) as Json;
  });

/** Where to change what: a position among all places, and the change. */
const mutation = fc.tuple(
  fc.nat(),
  fc.oneof(
    { weight: 2, arbitrary: fc.constant({ do: "delete" } as const) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("set" as const), value: fc.jsonValue({ maxDepth: 2 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("set" as const), value: reference }),
    },
    { weight: 1, arbitrary: fc.constant({ do: "wrap" } as const) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("rename" as const),
        key: fc.constantFrom(
          "containers",
          "initContainers",
          "ephemeralContainers",
          "image",
          "Containers",
          "volumes",
          "__proto__",
          "spec",
        ),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: "copy" } as const) },
  ),
);

type Place = { parent: Record<string, Json> | Json[]; key: string };

function places(value: Json, into: Place[] = []): Place[] {
  if (typeof value !== "object" || value === null) return into;
  for (const [key, inner] of Object.entries(value)) {
    into.push({ parent: value, key });
    places(inner, into);
  }
  return into;
}

function mutate(
  value: Json,
  changes: readonly (typeof mutation extends fc.Arbitrary<infer T> ? T : never)[],
): Json {
  const copy = structuredClone(value);
  for (const [position, change] of changes) {
    const all = places(copy);
    const place = all[position % all.length];
    if (place === undefined) continue;
    const parent = place.parent as Record<string, Json>;
    const before = parent[place.key] as Json;
    if (change.do === "set") parent[place.key] = change.value as Json;
    else if (change.do === "wrap") parent[place.key] = [before];
    else if (change.do === "copy" && Array.isArray(place.parent)) place.parent.push(structuredClone(before));
    else if (Array.isArray(place.parent)) place.parent.splice(Number(place.key), 1);
    else {
      delete parent[place.key];
      if (change.do === "rename") {
        Object.defineProperty(parent, change.key, {
          value: before,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
    }
  }
  return copy;
}

it("whatever is done to a review, its verdict is that of decide() on what it names, a refusal, or 4xx", async () => {
  const app = testApp();
  const counts = { decided: 0, refused: 0, rejected: 0, nothing: 0 };
  await fc.assert(
    fc.asyncProperty(original, fc.array(mutation, { maxLength: 4 }), async (base, changes) => {
      const text = JSON.stringify(mutate(base, changes));
      const response = await app.post(`/validate/${secret}`, text);
      if (response.status !== 200) {
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
        counts.rejected++;
        return;
      }
      const { request } = JSON.parse(text) as { request: Record<string, Json> };
      const answer = ((await response.json()) as { response: Record<string, Json> }).response;
      expect(answer["uid"]).toBe(request["uid"]);
      const said = (answer["auditAnnotations"] ?? {}) as Record<string, string>;
      if (["GH1022", "GH1023"].includes(said["code"] ?? "")) {
        expect(answer["allowed"]).toBe(false);
        counts.refused++;
        return;
      }
      if (request["operation"] === "DELETE" || request["operation"] === "CONNECT") return;
      const gvk = request["kind"] as Record<string, string>;
      const kind = `${gvk["group"] === "" ? "" : `${gvk["group"]}/`}${gvk["version"]} ${gvk["kind"]}`;
      expect(specs[kind]).toBeDefined();
      const old =
        request["operation"] === "UPDATE" ? new Set(images(request["oldObject"] as Json, kind)) : new Set();
      const added = images(request["object"] as Json, kind).filter((one) => !old.has(one));
      const references = new Set(added.map((one) => one.slice(one.indexOf(" ") + 1)));
      const subject: Subject = {
        cluster: { name: "test" },
        namespace: { name: request["namespace"] as string },
        object: { kind: gvk["kind"] ?? "", name: "web", labels: {} },
        pod: "web",
        workload: { resolved: false, reason: "not asked for" },
        images: [...references].map((one): ImageUse => ({
          path: one,
          reference: one,
          name: "",
          kind: "container",
        })),
      };
      const known = new Map(
        [...references].map((one) => [one, scans[one] ?? unscanned("absent", "never scanned", "memory")]),
      );
      const decision = decide(policy, subject, known, now);
      expect([answer["allowed"], text]).toEqual([decision.outcome !== "deny", text]);
      if (references.size === 0) counts.nothing++;
      else {
        expect(said["decision"]).toBe(decision.outcome);
        counts.decided++;
      }
    }),
    { numRuns: runs },
  );
  // The property says something only if every way of answering was met often.
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(runs / 50);
  expect(app.logs).toEqual([]);
}, 300_000);
