import type { Credentials } from "@gatehouse/policy";
import { describe, expect, test } from "vitest";
import { createEcrApi } from "../ecr/api.ts";
import { createListOccurrences } from "../artifact-registry/occurrences.ts";
import { createResourceGraph } from "../defender/resource-graph.ts";
import {
  audiences,
  createWorld,
  credentialsFor,
  fakeAws,
  fakeAzure,
  fakeGoogle,
  googleProject,
  googleRegistry,
  type World,
} from "../testing/clouds/index.ts";
import { cloudIdentity, type CloudCredentials } from "./cloud-identity.ts";

const signal = new AbortController().signal;
const digest = `sha256:${"a".repeat(64)}`;
const lifetimes = 24;
const life = 3_600_000;

/** What is asked with the credential, the cloud's view of it, and how its tokens are called expired. */
interface Setting {
  ask(): Promise<unknown>;
  good: unknown;
  expire(): void;
  issued(): number;
}

const settings: Record<string, (world: World) => Setting> = {
  "AWS STS": (world) => aws(world, credentialsFor("aws")),
  "EKS Pod Identity": (world) => aws(world, credentialsFor("aws-pod-identity")),
  "Microsoft Entra": (world) => {
    const fake = fakeAzure({ ...world, trusted: world.trusts(audiences.azure) });
    const deps = world.deps(fake.hosts);
    const identity = cloudIdentity(credentialsFor("azure"), deps);
    if (identity.cloud !== "azure") throw new Error("azure");
    const read = createResourceGraph({ name: "graph", call: deps.call, identity });
    return {
      ask: async () => (await read([digest], signal)).get(digest)?.state,
      good: "absent",
      expire: () => fake.expireTokens(),
      issued: () => fake.issued,
    };
  },
  "Google federation": (world) => google(world, credentialsFor("google")),
  "Google impersonation": (world) =>
    google(world, { ...credentialsFor("google"), serviceAccount: "gate@acme.iam.gserviceaccount.com" }),
  "GKE metadata": (world) => google(world, { kind: "google-metadata" }),
};

function aws(world: World, credentials: CloudCredentials): Setting {
  const fake = fakeAws({ ...world, trusted: world.trusts(audiences.aws) });
  const deps = world.deps(fake.hosts);
  const identity = cloudIdentity(credentials, deps);
  if (identity.cloud !== "aws") throw new Error("aws");
  const api = createEcrApi({ call: deps.call, keys: identity.keys, now: world.now });
  const call = {
    region: "eu-west-1",
    host: "api.ecr.eu-west-1.amazonaws.com",
    operation: "GetAuthorizationToken",
    body: {},
  };
  return {
    ask: async () => Object.keys(await api.ecr(call, signal)),
    good: ["authorizationData"],
    expire: () => fake.expireKeys(),
    issued: () => fake.issued,
  };
}

function google(
  world: World,
  credentials: Extract<Credentials, { kind: "google" | "google-metadata" }>,
): Setting {
  const serviceAccount = credentials.kind === "google" ? credentials.serviceAccount : undefined;
  const fake = fakeGoogle({
    ...world,
    trusted: world.trusts(audiences.google),
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
  });
  const deps = world.deps(fake.hosts);
  const identity = cloudIdentity(credentials, deps);
  if (identity.cloud !== "google") throw new Error("google");
  const list = createListOccurrences({ call: deps.call, token: identity.token });
  const image = {
    project: googleProject,
    location: "europe-west1",
    resourceUrl: `https://${googleRegistry}/${googleProject}/r/i@${digest}`,
  };
  return {
    ask: async () => await list("DISCOVERY", image, signal),
    good: { occurrences: [] },
    expire: () => fake.expireTokens(),
    issued: () => fake.issued,
  };
}

describe.each(Object.entries(settings))("%s", (name, make) => {
  test(`serves through ${lifetimes} lifetimes, each with an answer that calls its credential expired`, async () => {
    const world = createWorld();
    const setting = make(world);
    // Six questions an hour; after the third of each hour the cloud disowns what it has issued.
    for (let step = 0; step < lifetimes * 6; step++) {
      expect(await setting.ask(), `${name}, step ${step}`).toEqual(setting.good);
      if (step % 6 === 3) setting.expire();
      world.advance(life / 6);
    }
    const exchanges = setting.issued();
    // Impersonation takes two tokens. One by age and one by force in each life, and no storm.
    const perLife = name === "Google impersonation" ? 2 : 1;
    expect(exchanges).toBeGreaterThanOrEqual(lifetimes * perLife);
    expect(exchanges).toBeLessThanOrEqual((2 * lifetimes + 2) * perLife);
  });
});

test("a projected token is read afresh for each exchange", async () => {
  const world = createWorld();
  const setting = settings["AWS STS"]?.(world);
  await setting?.ask();
  setting?.expire();
  await setting?.ask();
  expect(world.reads).toEqual(Array.from({ length: 2 }, () => credentialsFor("aws").tokenFile));
});
