import { expect, test } from "vitest";
import { readManifests } from "./manifests.ts";

const read = (text: string) => {
  const { manifests, problems } = readManifests(text, "f.yaml");
  return {
    manifests: manifests.map(({ file, document, line, object }) => ({ file, document, line, object })),
    lines: manifests.map((manifest) =>
      ["spec.containers[1].image", "metadata.name", ""].map((path) => manifest.lineOf(path)),
    ),
    problems,
  };
};
const at = { file: "f.yaml" };

test("objects stand where they stand", () => {
  const text = `# first
kind: Pod
spec:
  containers:
    - image: a
    - name: b
      image: b
---
---
kind: PodList
items:
  - metadata:
      name: x
  - { kind: List, items: [{ a: 1 }] }
`;
  expect(read(text)).toEqual({
    manifests: [
      {
        ...at,
        document: 1,
        line: 2,
        object: { kind: "Pod", spec: { containers: [{ image: "a" }, { name: "b", image: "b" }] } },
      },
      { ...at, document: 3, line: 12, object: { metadata: { name: "x" } } },
      { ...at, document: 3, line: 14, object: { a: 1 } },
    ],
    lines: [
      [7, 2, 2],
      [12, 13, 12],
      [14, 14, 14],
    ],
    problems: [],
  });
});

test.each<[string, string, number, RegExp]>([
  ["broken YAML", "a: 1\nb: [\n", 3, /sequence/i],
  ["a key twice", "kind: Pod\nkind: Job\n", 2, /unique/],
  ["a text", "hello\n", 1, /expected an object with apiVersion and kind, got "hello"/],
  ["a list", "- a\n", 1, /got a list/],
  ["a list of texts", "kind: List\nitems:\n  - a\n  - b: 1\n", 3, /got "a"/],
  ["an alias without its anchor", "a: *b\n", 1, /alias/i],
  ["a tag that is not of YAML", "a: !evil x\n", 1, /tag/i],
])("%s is a problem with its line", (_, text, line, problem) => {
  const { problems } = read(text);
  expect(problems[0]).toEqual({
    ...at,
    document: 1,
    line,
    problem: expect.stringMatching(problem) as string,
  });
});

test("aliases that would fill the memory are refused", () => {
  const levels = Array.from(
    { length: 12 },
    (_, index) => `l${index + 1}: &l${index + 1} [${Array(9).fill(`*l${index}`).join(", ")}]`,
  );
  const { manifests, problems } = read(`l0: &l0 [x]\n${levels.join("\n")}\n`);
  expect([manifests, problems.length]).toEqual([[], 1]);
});

test("nothing at all holds nothing", () => {
  for (const text of ["", "---\n", "# only this\n", "null\n"])
    expect(read(text)).toEqual({ manifests: [], lines: [], problems: [] });
});
