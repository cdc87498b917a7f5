import { AwsV4Signer } from "aws4fetch";
import { describe, expect, test } from "vitest";
import {
  audiences,
  awsAccount,
  awsRegion,
  createWorld,
  credentialsFor,
  fakeAws,
  fakeAzure,
  fakeGoogle,
  googleProject,
  type EcrScan,
} from "./index.ts";
import { cloudIdentity } from "../../web-identity/cloud-identity.ts";

const signal = new AbortController().signal;
const digest = `sha256:${"a".repeat(64)}`;
const ecrUrl = `https://api.ecr.${awsRegion}.amazonaws.com/`;
const good = {
  registryId: awsAccount,
  repositoryName: "app",
  imageId: { imageDigest: digest },
  maxResults: 100,
};

/** What the fake says to a request that is signed with one thing changed. */
async function askEcr(
  change: { scan?: EcrScan; signer?: object; body?: object; after?: (headers: Headers) => void } = {},
) {
  const world = createWorld();
  const fake = fakeAws({ ...world, trusted: world.trusts(audiences.aws) });
  if (change.scan !== undefined) fake.scans.set(`app@${digest}`, change.scan);
  const identity = cloudIdentity(credentialsFor("aws"), world.deps(fake.hosts));
  if (identity.cloud !== "aws") throw new Error("aws");
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.DescribeImageScanFindings",
  };
  const body = JSON.stringify({ ...good, ...change.body });
  const signed = await new AwsV4Signer({
    ...(await identity.keys.get(signal)),
    method: "POST",
    url: ecrUrl,
    headers,
    body,
    service: "ecr",
    region: awsRegion,
    datetime: "20261122T100000Z",
    ...change.signer,
  }).sign();
  change.after?.(signed.headers);
  const answer = await fake.hosts[new URL(ecrUrl).host]?.request(ecrUrl, {
    method: "POST",
    headers: signed.headers,
    body,
  });
  if (answer === undefined) throw new Error("the fake has no such host");
  const { __type: type } = (await answer.json()) as { __type?: string };
  return type?.replace(/^.*#/, "") ?? answer.status;
}

describe("the fake of AWS is strict about", () => {
  test.each<[string, Parameters<typeof askEcr>[0], string]>([
    ["nothing that is right", {}, "ScanNotFoundException"],
    ["the secret", { signer: { secretAccessKey: "other" } }, "InvalidSignatureException"],
    ["the key", { signer: { accessKeyId: "ASIAOTHER" } }, "UnrecognizedClientException"],
    ["the session", { signer: { sessionToken: "other" } }, "UnrecognizedClientException"],
    ["the region", { signer: { region: "us-east-1" } }, "InvalidSignatureException"],
    ["the service", { signer: { service: "s3" } }, "InvalidSignatureException"],
    ["the time", { signer: { datetime: "20261122T091500Z" } }, "InvalidSignatureException"],
    ["the body", { signer: { body: "{}" } }, "InvalidSignatureException"],
    [
      "what is signed",
      { after: (headers) => headers.set("x-amz-extra", "1") },
      "IncompleteSignatureException",
    ],
    ["fields that it does not have", { body: { filter: {} } }, "ValidationException"],
    ["the page size", { body: { maxResults: 1001 } }, "ValidationException"],
    [
      "page tokens of another question",
      { scan: { status: "COMPLETE" }, body: { nextToken: "page-1" } },
      "ValidationException",
    ],
    ["the account", { body: { registryId: "999999999999" } }, "AccessDeniedException"],
  ])("%s", async (_what, change, expected) => {
    expect(await askEcr(change)).toBe(expected);
  });
});

test.each([
  ["no token", {}, 'kind="DISCOVERY" AND resourceUrl="x"', 401],
  ["a page that is too large", { pageSize: "1001" }, 'kind="DISCOVERY" AND resourceUrl="x"', 400],
  ["another filter", {}, 'kind="NOTE"', 400],
  ["a parameter that it does not have", { orderBy: "x" }, 'kind="DISCOVERY" AND resourceUrl="x"', 400],
  ["what is right", {}, 'kind="DISCOVERY" AND resourceUrl="x"', 200],
])("the fake of Container Analysis and %s", async (what, more, filter, expected) => {
  const world = createWorld();
  const fake = fakeGoogle({ ...world, trusted: world.trusts(audiences.google) });
  const identity = cloudIdentity(credentialsFor("google"), world.deps(fake.hosts));
  if (identity.cloud !== "google") throw new Error("google");
  const token = what === "no token" ? "none" : await identity.token.get(signal);
  const host = "containeranalysis.googleapis.com";
  const url = `https://${host}/v1/projects/${googleProject}/occurrences?${new URLSearchParams({ filter, ...more }).toString()}`;
  const answer = await fake.hosts[host]?.request(url, { headers: { authorization: `Bearer ${token}` } });
  expect(answer?.status).toBe(expected);
});

const query = (digests: number): string =>
  `securityresources | where category == "SoftwareUpdate" | where digest in (${Array.from({ length: digests }, (_, index) => `"sha256:${String(index).padStart(64, "0")}"`).join()})`;
const options = { resultFormat: "objectArray", $top: 1000 };

test.each([
  ["what is right", { query: query(50), options }, 200],
  ["more than 50 digests", { query: query(51), options }, 400],
  ["a limit", { query: `${query(1)} | limit 10`, options }, 400],
  ["the retired query", { query: query(1).replace("SoftwareUpdate", "other"), options }, 400],
  ["a page that is too large", { query: query(1), options: { ...options, $top: 1001 } }, 400],
  ["a field that it does not have", { query: query(1), options, scope: "x" }, 400],
])("the fake of Resource Graph and %s", async (_what, body, expected) => {
  const world = createWorld();
  const fake = fakeAzure({ ...world, trusted: world.trusts(audiences.azure) });
  const identity = cloudIdentity(credentialsFor("azure"), world.deps(fake.hosts));
  if (identity.cloud !== "azure") throw new Error("azure");
  const token = await identity.token("https://management.azure.com/.default").get(signal);
  const host = "management.azure.com";
  const url = `https://${host}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01`;
  const answer = await fake.hosts[host]?.request(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer?.status).toBe(expected);
});

test("a token of Entra for another resource does not open Resource Graph", async () => {
  const world = createWorld();
  const fake = fakeAzure({ ...world, trusted: world.trusts(audiences.azure) });
  const identity = cloudIdentity(credentialsFor("azure"), world.deps(fake.hosts));
  if (identity.cloud !== "azure") throw new Error("azure");
  const token = await identity.token("https://containerregistry.azure.net/.default").get(signal);
  const answer = await fake.hosts["management.azure.com"]?.request(
    "https://management.azure.com/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01",
    {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: query(1), options }),
    },
  );
  expect(answer?.status).toBe(401);
});
