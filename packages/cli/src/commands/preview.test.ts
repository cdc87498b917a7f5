/** preview, running, record and replay over an API server in memory that listens on loopback. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createFakeApi, listen, serviceAccountUser, type ListeningApi } from "@gatehouse/kube/testing";
import {
  definePolicy,
  deny,
  findings,
  policyHash,
  states,
  type Impact,
  type ImpactEntry,
  type SnapshotLine,
} from "@gatehouse/policy";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "../testing/run-cli.ts";

const policy = definePolicy({
  rules: {
    no: deny({
      description: "No criticals",
      when: findings({ minSeverity: "critical" }),
      onScan: states.audit,
    }),
    other: deny({ description: "Nothing", when: findings({}), onScan: states.audit }),
  },
  defaultRule: false,
});
const digest = `sha256:${"a".repeat(64)}`;

const entry = (images: ImpactEntry["images"]): ImpactEntry => ({
  owner: "shop/Deployment/web",
  namespace: "shop",
  before: "allow",
  after: "deny",
  rules: ["no"],
  images,
  couldNotTell: false,
});
const image = (reference: string) => ({
  reference,
  digest,
  state: "complete" as const,
  rules: ["no"],
  findings: [{ id: "CVE-2026-1", severity: "critical" as const }],
  findingCount: 1,
});
const impact: Impact = {
  at: "2026-12-01T00:00:00.000Z",
  after: { mode: "deny" },
  workloads: 9,
  newlyDenied: [entry([image("r.example/web:1")])],
  newlyAudited: [],
  newlyAdmitted: [],
  stillDenied: 0,
  newlyExempt: [],
  noLongerExempt: [],
  endingExemptions: [],
  violatesNow: [entry([image(`r.example/web@${digest}`)])],
  unscanned: [],
  couldNotTell: [],
  byNamespace: [],
  byRule: [],
  byCve: [],
  fixes: [],
  projection: [],
};

let folder: string;
let server: ListeningApi;
let asked: { where: string; body: unknown }[];
let answers: Record<string, () => Response>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
  asked = [];
  answers = {};
  const api = createFakeApi({
    authorize: () => true,
    serviceProxy: async ({ request }) => {
      const { pathname, search } = new URL(request.url);
      const body: unknown = request.method === "POST" ? await request.json() : undefined;
      asked.push({ where: `${request.method} ${pathname}${search}`, body });
      return answers[pathname]?.() ?? Response.json({ message: "nothing here" }, { status: 404 });
    },
  });
  api.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "gatehouse" } });
  api.put({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "gatehouse-caller", namespace: "gatehouse" },
  });
  server = await listen(api);
  const user = { name: "me", user: { token: api.token(serviceAccountUser("ops", "me", "u")) } };
  await writeFile(
    join(folder, "kubeconfig"),
    JSON.stringify({
      clusters: [{ name: "c", cluster: { server: server.url } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "me" } }],
      users: [user],
      "current-context": "c",
    }),
  );
  await writeFile(join(folder, "policy.json"), JSON.stringify(policy));
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const cli = async (command: string, ...args: string[]) =>
  await runCli(
    [command, ...(command === "replay" ? [] : ["--kubeconfig", join(folder, "kubeconfig")]), ...args],
    {
      cwd: folder,
    },
  );

const text = `Impact on 9 workloads: 1 newly denied, 1 running what would be denied
  DENY  shop/Deployment/web  no  r.example/web:1 CVE-2026-1
`;

test("preview sends policy and mode, and shows what the hook shows", async () => {
  answers["/v1/impact"] = () => Response.json(impact);
  expect(await cli("preview", "--mode", "audit")).toEqual({
    status: 0,
    notes: [],
    out: `${text}
To let it through, write this into the stack's settings, or mend the images first:
  gatehouse:acknowledged:
    no:
      - shop/Deployment/web
`,
  });
  expect(asked).toEqual([
    {
      where: "POST /v1/impact",
      body: { policy: JSON.parse(JSON.stringify(policy)) as unknown, mode: "audit" },
    },
  ]);
  const failing = await cli("preview", "--fail-on", "newly-denied", "--output", "markdown");
  expect([failing.status, failing.out]).toEqual([1, `# Impact\n\n\`\`\`text\n${text}\`\`\`\n`]);
  expect(JSON.parse((await cli("preview", "--output", "json")).out)).toEqual(impact);
  const sarif = JSON.parse((await cli("preview", "--output", "sarif")).out) as {
    runs: { results: object[] }[];
  };
  expect(sarif.runs[0]?.results).toHaveLength(1);
});

test.each([
  [
    "refuses",
    () => Response.json({ message: "may not" }, { status: 403 }),
    "the observer answered 403: may not",
  ],
  ["is of another version", () => Response.json({ impact }), "whose impact cannot be read"],
])("an observer that %s is no answer", async (_, answer, why) => {
  answers["/v1/impact"] = answer;
  const { status, out, notes } = await cli("preview");
  expect([status, out]).toEqual([3, ""]);
  expect(notes.join("\n")).toContain(why);
});

test("running writes one entry a line, all or those that rules would deny", async () => {
  const here = { namespace: "shop", repository: "r.example/web", digests: [digest] };
  answers["/v1/running"] = () => Response.json([here, { ...here, namespace: "zoo" }]);
  answers["/v1/impact"] = () => Response.json(impact);
  expect(await cli("running")).toEqual({
    status: 0,
    notes: [],
    out: `[\n  ${JSON.stringify(here)},\n  ${JSON.stringify({ ...here, namespace: "zoo" })}\n]\n`,
  });
  const denied = await cli("running", "--rule", "no");
  expect(denied.out).toBe(`[\n  ${JSON.stringify(here)}\n]\n`);
  const sent = asked.at(-1)?.body as { policy: typeof policy; running: unknown } | undefined;
  expect([Object.keys(sent?.policy.rules ?? {}), sent?.running]).toEqual([["no"], []]);
});

/** A snapshot of one review in two pages. */
function snapshotPages(): SnapshotLine[][] {
  const subject = {
    cluster: { name: "c" },
    namespace: { name: "shop" },
    object: { kind: "Deployment", name: "web", labels: {} },
    pod: "web-",
    workload: { resolved: true as const, kind: "Deployment", name: "web" },
    images: [{ path: "x", reference: "r.example/web:1", name: "main", kind: "container" as const }],
  };
  const report = {
    state: "complete" as const,
    source: "s",
    trust: { kind: "source" as const },
    scannedAt: "2026-11-22T00:00:00Z",
  };
  const hash = policyHash(policy);
  return [
    [
      {
        line: "gatehouse-snapshot",
        version: 1,
        takenAt: "2026-11-22T10:00:00.000Z",
        cluster: "c",
        mode: "deny",
        policy,
        policyHash: hash,
        running: [],
        labels: [],
      },
      { line: "workload", owner: "shop/Deployment/web", written: [subject], running: [], platforms: [] },
    ],
    [
      {
        line: "review",
        review: {
          id: "1",
          at: "2026-11-22T09:00:00.000Z",
          owner: "shop/Deployment/web",
          subject,
          policyHash: hash,
          mode: "deny",
          action: "deny",
          inDenyMode: "deny",
          images: [
            {
              reference: "r.example/web:1",
              digest,
              outcome: "deny",
              rules: ["no", "other"],
              platforms: [{ digest, report: { ...report, findings: [] }, findingCount: 1 }],
            },
          ],
        },
      },
      ...[`r.example/web@${digest}`, "r.example/web:1"].map((reference): SnapshotLine => ({
        line: "scan",
        reference,
        platforms: [],
        scan: {
          digest,
          platforms: [
            { digest, report: { ...report, findings: [{ id: "CVE-2026-1", severity: "critical" }] } },
          ],
        },
      })),
    ],
  ];
}

test("record keeps all pages in a file for its owner alone, and replay judges it again", async () => {
  const pages = snapshotPages();
  let page = 0;
  answers["/v1/snapshot"] = () =>
    Response.json({ lines: pages[page], ...(page++ === 0 ? { next: "1 x" } : {}) });
  const file = join(folder, "s.gz");
  expect(await cli("record", "--file", "s.gz", "--label", "tier")).toEqual({
    status: 0,
    out: "",
    notes: ["s.gz: 1 reviews, 1 workloads, 2 scans"],
  });
  expect(asked.map(({ where }) => where)).toEqual([
    "GET /v1/snapshot?after=&label=tier",
    "GET /v1/snapshot?after=1+x&label=tier",
  ]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(
    gunzipSync(await readFile(file))
      .toString()
      .trim()
      .split("\n"),
  ).toHaveLength(6);

  expect(await cli("replay", "s.gz", "--fail-on", "difference")).toEqual({
    status: 0,
    notes: [],
    out: "1 reviews: all come out as they were recorded\n\nImpact on 1 workloads: 1 still denied\n",
  });
  expect(await cli("replay", "s.gz", "--mode", "audit", "--fail-on", "difference")).toEqual({
    status: 1,
    notes: [],
    out: `1 reviews: 1 come out otherwise than they were recorded
  2026-11-22T09:00:00.000Z  deny -> audit  shop/Deployment/web  no, other

Impact on 1 workloads: 1 newly admitted
  admit  shop/Deployment/web  no, other  r.example/web:1 CVE-2026-1
`,
  });
});

test("a page that is no snapshot leaves an error, and a file that is none is refused", async () => {
  answers["/v1/snapshot"] = () => Response.json({ lines: [{ line: "scan", env: "x" }] });
  const { status, notes } = await cli("record", "--file", "s.gz");
  expect([status, notes[0]]).toEqual([3, "the observer's snapshot has 4 problems [GH3026]:"]);
  await writeFile(join(folder, "broken.gz"), Buffer.from([0x1f, 0x8b, 0, 0]));
  const broken = await cli("replay", "broken.gz");
  expect([broken.status, broken.notes[0]?.endsWith("broken.gz has a problem [GH3007]:")]).toEqual([3, true]);
  const none = await cli("replay", "none.gz");
  expect([none.status, none.notes.join(" ").includes("no such file")]).toEqual([3, true]);
});
