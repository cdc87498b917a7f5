import { expect, test } from "vitest";
import { imageFileTargets, parseImageLines } from "./image-lines.ts";

const digest = `sha256:${"a".repeat(64)}`;

test("lines: about every report, about one, for a platform; comments and blanks", () => {
  const text = `# what was scanned\n\nshop.example/cart:1.0@${digest}\r\na.json shop.example/pay:2 linux/arm64/v8 # the other\n`;
  expect(parseImageLines(text, new Set(["a.json"]))).toEqual({
    lines: [
      {
        reference: {
          registry: "shop.example",
          repository: "cart",
          tag: "1.0",
          digest,
          original: `shop.example/cart:1.0@${digest}`,
        },
      },
      {
        file: "a.json",
        reference: { registry: "shop.example", repository: "pay", tag: "2", original: "shop.example/pay:2" },
        platform: "linux/arm64",
      },
    ],
    problems: [],
  });
});

test("what is wrong is named by its line", () => {
  expect(
    parseImageLines("Cart\nb.json cart:1\ncart:1 linux\ncart:1 linux/amd64 more", new Set(["a.json"])),
  ).toEqual({
    lines: [],
    problems: [
      'line 1: "Cart": a repository name must be in lower case, got "Cart"',
      "line 2: expected [FILE] REFERENCE [OS/ARCHITECTURE], where FILE is a report of this folder",
      "line 3: expected [FILE] REFERENCE [OS/ARCHITECTURE], where FILE is a report of this folder",
      "line 4: expected [FILE] REFERENCE [OS/ARCHITECTURE], where FILE is a report of this folder",
    ],
  });
});

test.each<[string, string[] | undefined]>([
  ["image.txt", ["a.json", "a.sarif", "b.json"]],
  ["a.image.txt", ["a.json", "a.sarif"]],
  ["b.json.image.txt", ["b.json"]],
  ["c.image.txt", []],
  ["a.json", undefined],
])("%s is about %j", (name, expected) => {
  expect(imageFileTargets(name, ["a.json", "a.sarif", "b.json"])).toEqual(expected);
});
