import { expect, test } from "vitest";
import { cellHtml, tableHtml } from "./table.ts";

const text = (html: unknown) => String(html).replaceAll(/\s*\n\s*/g, "");

test("references are broken between their parts, short words with hyphens never", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  expect(text(cellHtml("registry.example:5000/shop/web:4.2", "code"))).toBe(
    "registry.example:5000<wbr />/shop<wbr />/web<wbr />:4.2",
  );
  expect(text(cellHtml(`shop/web@${digest}`, "code"))).toBe(`shop<wbr />/web<wbr />@${digest}`);
  expect(text(cellHtml(digest, "code"))).toBe(digest);
  expect(text(cellHtml("no-critical and 2 more"))).toBe('<span class="whole">no-critical</span> and 2 more');
  const long = `name-${"x".repeat(40)}`;
  expect([text(cellHtml(long)), text(cellHtml("plain")), text(cellHtml(3))]).toEqual([long, "plain", "3"]);
});

test("what comes from outside is text, however a cell is set", () => {
  const markup = `<b>a-b</b> "x"/<i>`;
  for (const kind of [undefined, "code"] as const) {
    const shown = text(cellHtml({ text: markup, note: markup, href: `now?x=${markup}` }, kind));
    expect(shown).not.toMatch(/<[bi]>/);
    expect(shown).toContain("&lt;b&gt;");
  }
});

test("on a narrow screen a cell says what it is, and an empty one is left out", () => {
  const table = {
    name: "t",
    caption: "Things",
    columns: [
      { key: "a", label: "Name" },
      { key: "b", label: "Count", kind: "number" as const },
    ],
    rows: [
      ["one", 1],
      [{ text: "", note: "why" }, ""],
    ],
    empty: "None.",
  };
  const cells = [...text(tableHtml(table, new URL("https://gate/ui/now"))).matchAll(/<td [^>]*>/g)];
  expect(cells.map(([cell]) => cell)).toEqual([
    '<td role="cell" class="" data-label="Name">',
    '<td role="cell" class="number" data-label="Count">',
    '<td role="cell" class="" data-label="Name">',
    '<td role="cell" class="number none" data-label="Count">',
  ]);
});
