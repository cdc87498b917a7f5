import fc from "fast-check";
import { expect, test } from "vitest";
import { compileExemption, indexExemptions, mayTakeOut } from "./exemptions.ts";
import type { Exemption } from "./model.ts";

const id = fc.constantFrom("CVE-2026-1", "CVE-2026-2", "GHSA-1");
const name = fc.constantFrom("openssl", "zlib");
const finding = fc.record(
  {
    id,
    aliases: fc.uniqueArray(id, { maxLength: 2 }),
    severity: fc.constant("high" as const),
    package: fc.record({ name }),
    fix: fc.constant({ available: false } as const),
  },
  { requiredKeys: ["id", "severity"] },
);
const exemption = fc.record(
  {
    cves: fc.array(fc.oneof(id, fc.constantFrom("CVE-*", "!CVE-2026-1")), { minLength: 1, maxLength: 3 }),
    packages: fc.array(fc.oneof(name, fc.constantFrom("open*", "!zlib")), { minLength: 1, maxLength: 3 }),
    untilFixed: fc.boolean(),
  },
  { requiredKeys: [] },
);

test("whichever way a finding leads to exemptions, it finds all that would take it out", () => {
  fc.assert(
    fc.property(fc.array(exemption, { maxLength: 6 }), finding, (some, one) => {
      const all = some.map((about, index) => {
        const whole: Exemption = { reason: "r", owner: "o", permanent: true, ...about };
        return compileExemption(`e-${index}`, whole, index);
      });
      const anyOfAll = all.some((compiled) => compiled.finding?.(one) === true);
      expect(mayTakeOut(indexExemptions(all), one)).toBe(anyOfAll);
    }),
    { numRuns: 1_000 },
  );
});
