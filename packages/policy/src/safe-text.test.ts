import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oneLine, runes, tail } from "./safe-text.ts";

describe("oneLine", () => {
  it("leaves printable ASCII as it is", () => {
    expect(oneLine("openssl 1.1.1k-r0 (critical)", 120)).toBe("openssl 1.1.1k-r0 (critical)");
  });

  it("takes out escape sequences, controls and what reorders text", () => {
    expect(oneLine("a\u001b[31mred\u001b[0m\nb\tc", 120)).toBe("a red b c");
    expect(oneLine("x\u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007y", 120)).toBe("x link y");
    expect(oneLine("app\u202egnp.exe\u2066\u200b\ufeff", 120)).toBe("app gnp.exe");
    expect(oneLine("\u009b31mred\u0085next\u2028line", 120)).toBe("red next line");
    expect(oneLine("half \ud800 pair", 120)).toBe("half pair");
  });

  it("cuts by characters, not by their halves", () => {
    expect(oneLine("😀😀😀😀", 3)).toBe("😀😀…");
    expect(oneLine("abcdef", 6)).toBe("abcdef");
    expect(oneLine("abcdefg", 6)).toBe("abcde…");
    expect(oneLine("x".repeat(1_000_000), 10)).toBe(`${"x".repeat(9)}…`);
  });

  it("is safe and short for any text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 400 }),
        fc.integer({ min: 1, max: 200 }),
        (text, max) => {
          const line = oneLine(text, max);
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
          expect(line.isWellFormed()).toBe(true);
          expect(Array.from(line).length).toBeLessThanOrEqual(max);
          expect(oneLine(line, max)).toBe(line);
        },
      ),
    );
  });
});

describe("runes", () => {
  it("counts code points", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(runes(text)).toBe(Array.from(text).length);
      }),
    );
  });
});

describe("tail", () => {
  it("keeps the end", () => {
    expect(tail("registry.example/team/app:1.2", 12)).toBe("…eam/app:1.2");
    expect(tail("app:1.2", 12)).toBe("app:1.2");
  });
});
