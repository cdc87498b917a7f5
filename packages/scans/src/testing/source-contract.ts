import { incompleteStates } from "@gatehouse/policy";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ImageIdentity, ScanSource } from "../source.ts";

/** A source with known content, made anew for each test. */
export interface SourceUnderTest {
  source: ScanSource;
  /** An image whose scan ended and found these ids. */
  vulnerable: { image: ImageIdentity; ids: readonly string[] };
  /** An image whose scan ended and found nothing. */
  clean: ImageIdentity;
  /** An image that no scan is known of. */
  unscanned: ImageIdentity;
  /** A registry that it does not answer for; absent for a source that answers for all. */
  uncovered?: { registry: string; repository: string };
  /** From now on whatever is behind it fails. */
  breakDown(): Promise<void> | void;
}

/**
 * What every source must do, whatever is behind it.
 *
 * @example
 * sourceContract("ECR", async () => ({ source: ecrSource({ … }), … }));
 */
export function sourceContract(name: string, make: () => Promise<SourceUnderTest>): void {
  describe(`${name} is a source`, () => {
    let made: SourceUnderTest;
    const signal = new AbortController().signal;
    beforeEach(async () => {
      made = await make();
    });
    afterEach(async () => {
      await made.source.close?.();
    });

    test("that covers its own registries and no others", () => {
      const { source, vulnerable, uncovered } = made;
      expect(source.covers(vulnerable.image)).toBe(true);
      expect(uncovered === undefined ? false : source.covers(uncovered)).toBe(false);
    });

    test("whose report of a scan that ended is complete, dated and has every finding", async () => {
      const { source, vulnerable } = made;
      const report = await source.report(vulnerable.image, signal);
      expect({ ...report, findings: report.findings.map(({ id }) => id).sort() }).toEqual({
        ...report,
        state: "complete",
        source: source.name,
        findings: [...vulnerable.ids].sort(),
        scannedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      });
    });

    test("for which clean is a scan that ended, never one that is missing", async () => {
      const { source, clean, unscanned } = made;
      const [ended, missing] = await Promise.all(
        [clean, unscanned].map(async (image) => await source.report(image, signal)),
      );
      expect([ended?.state, ended?.findings, typeof ended?.scannedAt]).toEqual(["complete", [], "string"]);
      expect([missing?.state, missing?.findings, typeof missing?.reason]).toEqual(["absent", [], "string"]);
    });

    test("that tells images apart by their digest", async () => {
      const { source, vulnerable } = made;
      const other = { ...vulnerable.image, digest: `sha256:${"0".repeat(64)}` };
      const report = await source.report(other, signal);
      expect([incompleteStates.includes(report.state as never), report.findings]).toEqual([true, []]);
    });

    test("that answers alike when asked again, and when asked by many at once", async () => {
      const { source, vulnerable } = made;
      const first = await source.report(vulnerable.image, signal);
      const many = await Promise.all(
        Array.from({ length: 10 }, async () => await source.report(vulnerable.image, signal)),
      );
      expect(many).toEqual(Array.from({ length: 10 }, () => first));
    });

    test("that never rejects: what is behind it fails and it says so", async () => {
      await made.breakDown();
      const { source, vulnerable, clean } = made;
      for (const image of [vulnerable.image, clean]) {
        const report = await source.report(image, signal);
        expect(report).toEqual({
          ...report,
          state: "unavailable",
          source: source.name,
          findings: [],
          reason: expect.stringMatching(/^.{1,400}$/),
        });
      }
    });

    test("that never rejects: nor when the caller has given up", async () => {
      const { source, vulnerable } = made;
      const report = await source.report(vulnerable.image, AbortSignal.abort());
      expect(report.source).toBe(source.name);
    });
  });
}
