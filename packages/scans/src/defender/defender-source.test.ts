import { registryEndpoint } from "../cloud/endpoint.ts";
import { referrerSource } from "../referrer/referrer-source.ts";
import { loadTrust } from "../referrer/trust/load-trust.ts";
import { createRegistries } from "../registry/registries.ts";
import type { ImageIdentity } from "../source.ts";
import { audiences, azureRegistry, createWorld, credentialsFor, fakeAzure } from "../testing/clouds/index.ts";
import type { Stored } from "../testing/fake-registry.ts";
import { answers } from "../testing/misbehaviours.ts";
import { keySigner } from "../testing/sigstore-signer.ts";
import { sourceContract } from "../testing/source-contract.ts";
import { cloudIdentity } from "../web-identity/cloud-identity.ts";
import { cloudLogin } from "../web-identity/registry-login.ts";
import { defenderReports } from "./artifact.ts";

const at = "2026-11-22T09:00:00Z";
const ids = ["CVE-2026-0001", "CVE-2026-0002"];

sourceContract("Defender's reports in Azure Container Registry", async () => {
  const world = createWorld();
  const fake = fakeAzure({ ...world, trusted: world.trusts(audiences.azure) });
  const deps = world.deps(fake.hosts);
  const { call, now } = deps;
  const identity = cloudIdentity(credentialsFor("azure"), deps);
  const credential = cloudLogin({ identity, call, endpointOf: (host) => registryEndpoint(host, {}), now });
  const signer = keySigner();
  const attach = async (image: Stored, found: readonly string[]): Promise<void> => {
    const result = found.map((id) => ({ id, severity: [{ method: "nvd", score: "HIGH" }] }));
    fake.registry.attach("shop/app", image, {
      artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      content: await signer.sign({
        _type: "https://in-toto.io/Statement/v1",
        subject: [{ name: "app", digest: { sha256: image.digest.slice("sha256:".length) } }],
        predicateType: "https://in-toto.io/attestation/vulns/v0.2",
        predicate: {
          scanner: { uri: "MDVM", result },
          metadata: { scanStartedOn: at, scanFinishedOn: at },
        },
      }),
      annotations: { scanner: "MDVM" },
    });
  };
  const push = (content: string): Stored => fake.registry.pushImage("shop/app", { content });
  const [vulnerable, clean, unscanned] = [push("one"), push("two"), push("three")];
  await attach(vulnerable, ids);
  await attach(clean, []);
  const identify = ({ digest }: Stored): ImageIdentity => ({
    registry: azureRegistry,
    repository: "shop/app",
    digest,
  });
  return {
    source: referrerSource({
      name: "defender",
      registries: [azureRegistry],
      clients: createRegistries({
        connections: [{ registries: [azureRegistry], credential }],
        fetch: deps.network.fetch,
        now,
        clock: now,
      }),
      trusted: await loadTrust([{ kind: "sigstore-key", publicKey: signer.publicKey }], world.readFile),
      allowUnsigned: false,
      now,
      judge: defenderReports,
    }),
    vulnerable: { image: identify(vulnerable), ids },
    clean: identify(clean),
    unscanned: identify(unscanned),
    uncovered: { registry: "other.azurecr.io", repository: "shop/app" },
    breakDown() {
      fake.misbehave = answers(403);
    },
  };
});
