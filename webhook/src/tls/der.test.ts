import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAll, encode, objectIdentifier, positiveInteger, time } from "./der.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("DER", () => {
  it("writes what X.690 and RFC 5280 say", () => {
    expect(hex(encode(0x30, Uint8Array.of(5, 0)))).toBe("30020500");
    expect(hex(encode(0x04, new Uint8Array(200))).slice(0, 6)).toBe("0481c8");
    expect(hex(encode(0x04, new Uint8Array(70_000))).slice(0, 10)).toBe("0483011170");
    expect(hex(objectIdentifier("1.2.840.113549.1.1.11"))).toBe("06092a864886f70d01010b");
    expect(hex(objectIdentifier("2.5.29.17"))).toBe("0603551d11");
    expect(hex(positiveInteger(Uint8Array.of(0, 0, 0x80)))).toBe("02020080");
    expect(hex(positiveInteger(Uint8Array.of(0)))).toBe("020100");
    expect(Buffer.from(time(Date.parse("2026-11-22T10:11:12.9Z"))).toString("latin1")).toBe(
      "\u0017\r261122101112Z",
    );
    expect(Buffer.from(time(Date.parse("2050-01-01T00:00:00Z"))).toString("latin1")).toBe(
      "\u0018\u000f20500101000000Z",
    );
  });

  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 400 }))),
        (values) => {
          const bytes = Buffer.concat(values.map(([tag, content]) => encode(tag, content)));
          expect(decodeAll(bytes).map(({ tag, content }) => [tag, hex(content)])).toEqual(
            values.map(([tag, content]) => [tag, hex(content)]),
          );
        },
      ),
    );
  });

  it("reads nothing beyond its end, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          const total = decodeAll(bytes).reduce((sum, { whole }) => sum + whole.length, 0);
          expect(total).toBe(bytes.length);
        } catch (error) {
          expect(String(error)).toMatch(/DER: /);
        }
      }),
    );
  });
});
