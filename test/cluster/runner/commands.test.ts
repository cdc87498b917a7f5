import { expect, test } from "vitest";
import { argumentsOf, commandFor, expand } from "./commands.ts";

test("the first pattern that matches counts; a star stands only at the end", () => {
  const commands = [
    { image: "r.example/a:1", entrypoint: ["one"] },
    { image: "r.example/a*", entrypoint: ["any"] },
  ];
  expect(commandFor(commands, "r.example/a:1")?.entrypoint).toEqual(["one"]);
  expect(commandFor(commands, "r.example/a@sha256:00")?.entrypoint).toEqual(["any"]);
  expect(commandFor(commands, "r.example/b")).toBe(undefined);
  expect(() => commandFor([{ image: "*/a", entrypoint: [] }], "x")).toThrow(
    'image pattern */a: expected "*" only as the last character',
  );
});

test("command replaces the entry point and its arguments, args the arguments alone", () => {
  const image = { image: "i", entrypoint: ["entry"], cmd: ["default"] };
  expect(argumentsOf(image, { name: "c" }, {})).toEqual(["entry", "default"]);
  expect(argumentsOf(image, { name: "c", args: ["$(A)"] }, { A: "b" })).toEqual(["entry", "b"]);
  expect(argumentsOf(image, { name: "c", command: ["own"] }, {})).toEqual(["own"]);
  expect(argumentsOf(image, { name: "c", command: ["own"], args: ["x"] }, {})).toEqual(["own", "x"]);
});

test("variables are replaced as Kubernetes replaces them", () => {
  expect(expand("$(A)-$(B)-$$(A)-$A", { A: "1" })).toBe("1-$(B)-$(A)-$A");
});
