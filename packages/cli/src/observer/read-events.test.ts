import { createFakeApi } from "@gatehouse/kube/testing";
import { expect, test } from "vitest";
import { plain } from "../render/style.ts";
import { eventLine } from "../render/event-line.ts";
import { UsageError } from "../exit.ts";
import { connectionOf } from "./connection.ts";
import { eventFilter } from "./event-filter.ts";
import { readEvents, type EventPage, type ShownEvent } from "./read-events.ts";

const shown = (name: string, change: Record<string, unknown> = {}): ShownEvent => ({
  count: 3,
  firstAt: "2026-11-22T09:00:00.000Z",
  lastAt: "2026-11-22T10:00:00.000Z",
  event: {
    data: {
      object: { kind: "Pod", namespace: "shop", name: `${name}-1` },
      owner: { resolved: true, kind: "Deployment", name },
      request: { user: "alice@example.com" },
      action: "audit",
      inDenyMode: "deny",
      images: [
        {
          reference: "registry.example/shop/web:1",
          digest: `sha256:${"b".repeat(64)}`,
          outcome: "deny",
          deciding: [{ id: "CVE-2026-0001" }],
          rules: [{ rule: "no-criticals", because: "1 finding: CVE-2026-0001" }],
        },
      ],
      ...change,
    },
  },
});

const connected = (pages: readonly { next: string; missed?: boolean; events: readonly ShownEvent[] }[]) => {
  const asked: string[] = [];
  const left = [...pages];
  const api = createFakeApi({
    serviceProxy({ request }) {
      asked.push(new URL(request.url).search);
      const page = left.shift();
      return page === undefined
        ? Response.json({ error: "forbidden", message: "you may not" }, { status: 403 })
        : Response.json({ missed: false, ...page });
    },
  });
  api.put({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "viewer", namespace: "shop" } });
  const connection = connectionOf(api.kube(), {
    gateNamespace: "gatehouse",
    as: { namespace: "shop", name: "viewer" },
  });
  return { asked, connection };
};

const { signal } = new AbortController();

test("pages are read to the end", async () => {
  const full = Array.from({ length: 500 }, (_, at) => shown(`w${at}`));
  const { asked, connection } = connected([
    { next: "e.500", events: full },
    { next: "e.501", events: [shown("last")] },
  ]);
  const pages: EventPage[] = [];
  for await (const page of readEvents(connection, { follow: false, signal, namespace: "shop" }))
    pages.push(page);
  expect(pages.map(({ missed, events }) => [missed, events.length])).toEqual([
    [false, 500],
    [false, 1],
  ]);
  expect(asked).toEqual(["?namespace=shop&limit=500", "?since=e.500&namespace=shop&limit=500"]);
});

test("following waits for what comes, says what is gone, and ends with a refusal", async () => {
  const { asked, connection } = connected([
    { next: "e.1", events: [shown("a")] },
    { next: "e.1", events: [] },
    { next: "f.2", missed: true, events: [shown("b")] },
  ]);
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const { missed, events } of readEvents(connection, { follow: true, signal }))
      seen.push([missed, events.length]);
  })();
  await expect(reading).rejects.toEqual(new UsageError("GH3022", "the observer answered 403: you may not"));
  expect(seen).toEqual([
    [false, 1],
    [true, 1],
  ]);
  expect(asked.slice(1)).toEqual([
    "?since=e.1&limit=500&wait=25",
    "?since=e.1&limit=500&wait=25",
    "?since=f.2&limit=500&wait=25",
  ]);
});

test.each([
  [{ action: "would-deny" } as const, true],
  [{ action: "denied" } as const, false],
  [{ namespace: "shop" }, true],
  [{ namespace: "sho" }, false],
  [{ workload: "deployment/WEB" }, true],
  [{ image: "sha256:bbb" }, true],
  [{ image: "shop/web" }, true],
  [{ image: "other" }, false],
  [{ cve: "cve-2026-0001" }, true],
  [{ cve: "CVE-2026-000" }, false],
  [{ user: "ALICE" }, true],
  [{ user: "bob" }, false],
])("filter %j: %s", (filter, fits) => {
  expect(eventFilter(filter)(shown("web"))).toBe(fits);
});

test("an event of another version, with nothing in it that we know, matches no filter and still has a line", () => {
  const strange = { count: 1, firstAt: "", lastAt: "2026-11-22T10:00:00Z", event: { data: {} } };
  expect(eventFilter({})(strange)).toBe(true);
  expect(eventFilter({ namespace: "shop" })(strange)).toBe(false);
  expect(eventFilter({ action: "denied" })(strange)).toBe(false);
  expect(eventLine(strange, plain)).toBe("2026-11-22T10:00:00Z  not known   /  no image");
});

test("a line has what happened, to whom and why; nothing in it moves a cursor", () => {
  expect(eventLine(shown("web"), plain)).toBe(
    "2026-11-22T10:00:00.000Z  would-deny  shop/Deployment/web  registry.example/shop/web:1  no-criticals: 1 finding: CVE-2026-0001  alice@example.com  ×3",
  );
  const hostile = shown("web", { request: { user: "x\u001b[2Jy\nz" } });
  expect(eventLine(hostile, plain)).toContain("  x y z  ");
});
