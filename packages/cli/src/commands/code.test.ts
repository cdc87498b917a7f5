import { expect, test } from "vitest";
import { runCli } from "../testing/run-cli.ts";

test("a code's entry, as it stands in a message or in small letters", async () => {
  const said = {
    status: 0,
    notes: [],
    out: `GH2014  The cluster's Kubernetes is too old
Why: The gate rests on match conditions and ValidatingAdmissionPolicy, and is supported from
  Kubernetes 1.31 on.
What to do: Upgrade the cluster's control plane first.
`,
  };
  expect(await runCli(["code", "GH2014"])).toEqual(said);
  expect(await runCli(["code", "[gh2014]"])).toEqual(said);
});

test("all codes, a line each", async () => {
  const { out, status } = await runCli(["code"]);
  expect(status).toBe(0);
  expect(out.split("\n").slice(0, 2)).toEqual([
    "GH1001  The image has findings that a rule does not allow",
    "GH1002  The image or its scan meets a condition that needs no finding",
  ]);
  expect(out.trimEnd().split("\n").at(-1)).toMatch(/^GH3901 {2}/);
});

test("one that there is not", async () => {
  expect(await runCli(["code", "GH9999"])).toEqual({
    status: 3,
    out: "",
    notes: [
      "GH9999: there is no such code; gatehouse code lists all, and a newer gate may have newer ones [GH3001]",
    ],
  });
});

test("what nobody foresaw is said with a code, and is no admission", async () => {
  const { status, notes } = await runCli(["check", "-f", "-"], {
    // Not a text, as no standard input can be.
    input: 7 as unknown as string,
  });
  expect([status, notes[0]]).toEqual([3, expect.stringMatching(/^gatehouse failed: .* \[GH3901\]$/)]);
});
