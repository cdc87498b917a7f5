import { expect, test } from "vitest";
import { dialledHost, isNamedHost } from "./hosts.ts";

const patterns = ["registry.example", "*.azurecr.example", "localhost:5000", "[::1]:5000"];

test.each([
  ["registry.example", true],
  ["REGISTRY.example", true],
  ["registry.example:443", false],
  ["registry.example.", false],
  ["a.registry.example", false],
  ["evilregistry.example", false],
  ["team.azurecr.example", true],
  ["a.b.azurecr.example", false],
  [".azurecr.example", false],
  ["azurecr.example", false],
  ["team.azurecr.example.evil.example", false],
  ["team-.azurecr.example", false],
  ["localhost:5000", true],
  ["localhost", false],
  ["[::1]:5000", true],
  ["user@registry.example", false],
  ["evil.example#.azurecr.example", false],
  ["evil.example/x.azurecr.example", false],
  ["10.0.0.1", false],
  ["", false],
])("%s is named: %s", (host, expected) => {
  expect(isNamedHost(patterns, host)).toBe(expected);
});

test("Docker Hub is dialled by another name", () => {
  expect([dialledHost("docker.io"), dialledHost("Registry.Example:5000")]).toEqual([
    "registry-1.docker.io",
    "registry.example:5000",
  ]);
});
