import { expect, test } from "vitest";
import { registryEndpoint } from "../cloud/endpoint.ts";
import { createEcrApi } from "../ecr/api.ts";
import type { RegistryClient } from "../registry/client.ts";
import { createRegistries } from "../registry/registries.ts";
import {
  audiences,
  awsRegistry,
  azureRegistry,
  createWorld,
  credentialsFor,
  fakeAws,
  fakeAzure,
  fakeGoogle,
  googleProject,
  googleRegistry,
} from "../testing/clouds/index.ts";
import { acrUser } from "./acr.ts";
import { cloudIdentity } from "./cloud-identity.ts";
import { cloudLogin } from "./registry-login.ts";

const signal = new AbortController().signal;

function setUp(kind: "aws" | "azure" | "google") {
  const world = createWorld();
  const trusted = world.trusts(audiences[kind]);
  const fakes = {
    aws: () => fakeAws({ ...world, trusted }),
    azure: () => fakeAzure({ ...world, trusted }),
    google: () => fakeGoogle({ ...world, trusted }),
  };
  const fake = fakes[kind]();
  const deps = world.deps(fake.hosts);
  const identity = cloudIdentity(credentialsFor(kind), deps);
  const { call, now } = deps;
  const ecr = identity.cloud === "aws" ? createEcrApi({ call, keys: identity.keys, now }) : undefined;
  const login = cloudLogin({ identity, call, ecr, endpointOf: (host) => registryEndpoint(host, {}), now });
  const client = (registry: string): RegistryClient =>
    createRegistries({
      connections: [{ registries: [registry], credential: login }],
      fetch: deps.network.fetch,
      now,
      clock: now,
      pace: { perSecond: 1_000_000, burst: 1_000_000 },
    }).client(registry);
  /** The cloud disowns all that it has given out. */
  const expire = (): void => {
    if ("expireTokens" in fake) return fake.expireTokens();
    fake.expireKeys();
    fake.passwords.length = 0;
  };
  return { world, fake, login, client, expire, network: deps.network };
}

test.each([
  ["aws", awsRegistry, "team/app"],
  ["azure", azureRegistry, "team/app"],
  ["google", googleRegistry, `${googleProject}/images/app`],
] as const)(
  "%s: a registry is read through 24 lifetimes of a token, disowned once in each",
  async (kind, registry, repository) => {
    const { world, fake, client, expire } = setUp(kind);
    const { digest } = fake.registry.pushImage(repository, { tag: "1" });
    const reader = client(registry);
    for (let step = 0; step < 24 * 6; step++) {
      expect([step, await reader.tagDigest(repository, "1", signal)]).toEqual([step, digest]);
      if (step % 6 === 3) expire();
      world.advance(10 * 60_000);
    }
  },
);

test.each([
  ["aws", awsRegistry, "AWS"],
  ["azure", azureRegistry, acrUser],
  ["google", googleRegistry, "oauth2accesstoken"],
] as const)(
  "%s: a login is held, and another asked for when it is refused",
  async (kind, registry, username) => {
    const { login } = setUp(kind);
    const first = await login(registry, signal);
    const again = await login(registry, signal);
    const fresh = await login(registry, signal, first);
    // One that is no longer held changes nothing.
    const late = await login(registry, signal, first);
    expect([
      first?.username,
      again?.password === first?.password,
      fresh?.password === first?.password,
    ]).toEqual([username, true, false]);
    expect(late?.password).toBe(fresh?.password);
  },
);

test.each([
  ["aws", "public.ecr.aws", "unsupported"],
  ["aws", "registry.example", "unsupported"],
  ["azure", "registry.example", "refused"],
  ["azure", "acme.azurecr.io.evil.example", "refused"],
  ["google", "registry.example", "refused"],
  ["google", "evil-docker.pkg.dev.example", "refused"],
] as const)("%s sends no token to %s", async (kind, registry, code) => {
  const { login, network } = setUp(kind);
  await expect(login(registry, signal)).rejects.toMatchObject({ code });
  expect(network.dialled).toEqual([]);
});
