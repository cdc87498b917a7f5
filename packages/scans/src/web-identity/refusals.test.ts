import { describe, expect, test } from "vitest";
import {
  audiences,
  createWorld,
  credentialsFor,
  fakeAws,
  fakeAzure,
  fakeGoogle,
  type World,
} from "../testing/clouds/index.ts";
import { answers } from "../testing/misbehaviours.ts";
import { cloudIdentity } from "./cloud-identity.ts";
import type { IdentityError } from "./identity-error.ts";

const signal = new AbortController().signal;
const kinds = ["aws", "aws-pod-identity", "azure", "google"] as const;
type Kind = (typeof kinds)[number];

function setUp(kind: Kind, world: World, change: object = {}) {
  const trusted = world.trusts(audiences[kind]);
  const fake =
    kind === "azure"
      ? fakeAzure({ ...world, trusted })
      : kind === "google"
        ? fakeGoogle({ ...world, trusted })
        : fakeAws({ ...world, trusted });
  const identity = cloudIdentity({ ...credentialsFor(kind), ...change }, world.deps(fake.hosts));
  const get = async (): Promise<unknown> =>
    identity.cloud === "aws"
      ? await identity.keys.get(signal)
      : identity.cloud === "azure"
        ? await identity.token("https://management.azure.com/.default").get(signal)
        : await identity.token.get(signal);
  return { fake, get };
}

async function problemOf(run: () => Promise<unknown>): Promise<unknown> {
  const error = await run().then(
    () => undefined,
    (reason: unknown) => reason as IdentityError,
  );
  return error === undefined ? "none" : (error.problem ?? error.code);
}

describe.each(kinds)("%s", (kind) => {
  const { tokenFile } = credentialsFor(kind);
  const audience = audiences[kind];

  test("takes the gate's own token", async () => {
    expect(await problemOf(setUp(kind, createWorld()).get)).toBe("none");
  });

  const isAgent = kind === "aws-pod-identity";
  test.each([
    [
      "another subject",
      { audience, subject: "system:serviceaccount:other:gatehouse" },
      isAgent ? "subject" : "subject",
    ],
    ["another audience", { audience: "other" }, isAgent ? "subject" : "audience"],
    ["another issuer", { audience, issuer: "https://evil.example" }, isAgent ? "subject" : "issuer"],
    ["an expired token", { audience, lifeMs: -1000 }, "token-expired"],
  ])("refuses %s", async (_what, claims, expected) => {
    const world = createWorld();
    world.files.set(tokenFile, world.cluster.token(claims));
    const { fake, get } = setUp(kind, world);
    expect([await problemOf(get), fake.issued]).toEqual([expected, 0]);
  });

  test.each([
    ["is not there", undefined, "token-file"],
    ["is empty", "\n", "token-file"],
    ["holds two lines", "one\ntwo", "token-file"],
  ])("sends nothing when the token file %s", async (_what, content, expected) => {
    const world = createWorld();
    if (content !== undefined) world.files.set(tokenFile, content);
    const { fake, get } = setUp(kind, world, content === undefined ? { tokenFile: "/missing" } : {});
    expect([await problemOf(get), fake.asked]).toEqual([expected, []]);
  });

  test("says that the cloud asks for less", async () => {
    const { fake, get } = setUp(kind, createWorld());
    fake.misbehave = answers(429, { "retry-after": "30" });
    expect(await problemOf(get)).toBe("throttled");
  });

  test("takes no answer that is not what the interface gives", async () => {
    const { fake, get } = setUp(kind, createWorld());
    fake.misbehave = () => new Response("<html>proxy</html>", { status: 200 });
    expect(await problemOf(get)).toBe("malformed");
  });

  test("follows no redirect", async () => {
    const { fake, get } = setUp(kind, createWorld());
    fake.misbehave = answers(307, { location: "https://evil.example/" });
    expect(await problemOf(get)).toBe("refused");
  });
});

test.each([
  ["aws", { roleArn: "arn:aws:iam::123456789012:role/other" }, "subject"],
  ["azure", { clientId: "other" }, "not-found"],
  ["azure", { tenantId: "other" }, "not-found"],
  ["google", { audience: audiences.google.replace("pool/", "other/") }, "not-found"],
  ["google", { serviceAccount: "other@acme.iam.gserviceaccount.com" }, "subject"],
] as const)("%s with %o is %s", async (kind, change, expected) => {
  expect(await problemOf(setUp(kind, createWorld(), change).get)).toBe(expected);
});

test.each([
  ["aws", { stsEndpoint: "http://sts.example" }, /stsEndpoint: expected https/],
  ["aws", { stsEndpoint: "https://user@sts.example" }, /stsEndpoint: expected https/],
  ["aws", { region: "evil.example/" }, /region: expected/],
  ["aws", { roleArn: "role" }, /roleArn: expected/],
  ["aws-pod-identity", { endpoint: "http://169.254.169.254/v1" }, /endpoint: expected/],
  ["aws-pod-identity", { endpoint: "http://evil.example/v1" }, /endpoint: expected/],
  ["azure", { authority: "http://login.example" }, /authority: expected https/],
  ["azure", { tenantId: "a/b" }, /tenantId: expected/],
  ["google", { audience: "https://iam.googleapis.com/x" }, /audience: expected/],
  ["google", { serviceAccount: "a/b" }, /serviceAccount: expected/],
] as const)("%s is refused with %o", (kind, change, expected) => {
  expect(() => setUp(kind, createWorld(), change)).toThrow(expected);
});

test.each(["http://evil.example", "https://metadata.google.internal", "http://169.254.170.2"])(
  "%s is no metadata server",
  (endpoint) => {
    const world = createWorld();
    expect(() => cloudIdentity({ kind: "google-metadata", endpoint }, world.deps({}))).toThrow(
      /endpoint: expected/,
    );
  },
);

test("a metadata server proves that it is one", async () => {
  const world = createWorld();
  const fake = fakeGoogle({ ...world, trusted: world.trusts(audiences.google) });
  fake.misbehave = () => Response.json({ access_token: "t", expires_in: 60, token_type: "Bearer" });
  const identity = cloudIdentity({ kind: "google-metadata" }, world.deps(fake.hosts));
  expect(await problemOf(async () => identity.cloud === "google" && (await identity.token.get(signal)))).toBe(
    "refused",
  );
});

test("no message holds a token", async () => {
  const world = createWorld();
  for (const kind of kinds) {
    const secret = world.cluster.token({ audience: "other" });
    world.files.set(credentialsFor(kind).tokenFile, secret);
    const error = await setUp(kind, world)
      .get()
      .catch((reason: unknown) => reason);
    expect((error as Error).message).not.toContain(secret.slice(0, 20));
  }
});
