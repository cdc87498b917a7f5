import { expect, test } from "vitest";
import { anchors, fences, links } from "./markdown.ts";

const text = [
  "# Title, with `code`",
  "See [there](other.md#part), [here](#part) and [outside](https://example.com/x).",
  "- a list",
  "  ```ts",
  "  const one = 1;",
  "    deeper();",
  "  ```",
  "````md",
  "```sh",
  "# no heading, [no](link.md)",
  "```",
  "````",
  '<a id="gh1001"></a>',
  "## Part",
  "## Part",
].join("\n");

test("blocks are found with their language and line, also in lists and in longer fences", () => {
  expect(fences(text)).toEqual([
    { language: "ts", text: "const one = 1;\n  deeper();", line: 5 },
    { language: "md", text: "```sh\n# no heading, [no](link.md)\n```", line: 9 },
  ]);
});

test("anchors are those of headings and ids, outside blocks", () => {
  expect([...anchors(text)]).toEqual(["title-with-code", "gh1001", "part", "part-1"]);
});

test("links within the project are found, others not", () => {
  expect(links(text)).toEqual([
    { target: "other.md", fragment: "part", line: 2 },
    { target: "", fragment: "part", line: 2 },
  ]);
});

test("a block that never ends is an error", () => {
  expect(() => fences("```ts\nconst one = 1;")).toThrow("a fenced block is never closed: line 1");
});
