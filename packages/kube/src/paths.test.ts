import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isKubeError } from "./errors.ts";
import { collectionPath, creationPath, objectPath, queryString } from "./paths.ts";
import { resources } from "./resources.ts";

describe("paths", () => {
  test("of core and named groups, of everything, a namespace, an object, a subresource", () => {
    expect([
      collectionPath(resources.pods),
      collectionPath(resources.deployments, "shop"),
      objectPath(resources.namespaces, { name: "shop" }),
      objectPath(resources.pods, { namespace: "shop", name: "web-0" }, "ephemeralcontainers"),
      objectPath(resources.roles, { namespace: "shop", name: "system:reader" }),
    ]).toEqual([
      "/api/v1/pods",
      "/apis/apps/v1/namespaces/shop/deployments",
      "/api/v1/namespaces/shop",
      "/api/v1/namespaces/shop/pods/web-0/ephemeralcontainers",
      "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles/system%3Areader",
    ]);
  });

  test("a namespace is required where it belongs and refused where it does not", () => {
    expect(() => creationPath(resources.pods)).toThrow("v1 Pod needs a namespace");
    expect(() => objectPath(resources.pods, { name: "a" })).toThrow("needs a namespace");
    expect(() => collectionPath(resources.nodes, "shop")).toThrow("Node is not namespaced");
  });

  test.each(["", ".", "..", "a/b", "a%2fb", "..\\x", "\ud800"])("refuses the name %j", (name) => {
    expect(() => objectPath(resources.pods, { namespace: "shop", name })).toThrow("cannot be part of a path");
    expect(() => objectPath(resources.pods, { namespace: name, name: "a" })).toThrow(
      "cannot be part of a path",
    );
  });

  test("no name leaves its segment, whatever it is", () => {
    const anything = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(".", "/", "%", "2", "e", "f", "\\", "?", "#", "\t", "\n", "a") }),
    );
    fc.assert(
      fc.property(anything, anything, (namespace, name) => {
        let path: string;
        try {
          path = objectPath(resources.pods, { namespace, name }, "status");
        } catch (error) {
          expect(isKubeError(error, "invalid")).toBe(true);
          return;
        }
        const url = new URL(`https://cluster.test${path}?watch=true`);
        const parts = url.pathname.split("/");
        expect(parts.map((part) => decodeURIComponent(part))).toEqual([
          "",
          "api",
          "v1",
          "namespaces",
          namespace,
          "pods",
          name,
          "status",
        ]);
        expect([url.host, url.search, url.hash]).toEqual(["cluster.test", "?watch=true", ""]);
      }),
      { numRuns: 2000 },
    );
  });

  test("query values are escaped and undefined ones left out", () => {
    expect(queryString({ a: "x&y=z", b: undefined, c: 2, d: false })).toBe("?a=x%26y%3Dz&c=2&d=false");
    expect(queryString({ b: undefined })).toBe("");
  });
});
