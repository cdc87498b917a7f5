import { createHash } from "node:crypto";
import type { ScanReport } from "@gatehouse/policy";
import { createRegistryFetch, loadEcr, type CloudSource } from "@gatehouse/scans";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runMoto, type RunningMoto } from "./run-moto.ts";

const account = "123456789012";
const region = "eu-west-1";
const registry = `${account}.dkr.ecr.${region}.amazonaws.com`;
const repository = "team/app";
const roleArn = `arn:aws:iam::${account}:role/gatehouse`;
const signal = new AbortController().signal;

let moto: RunningMoto;
beforeAll(async () => {
  moto = await runMoto();
});
afterAll(async () => {
  await moto.stop();
});

/** A call of the one who sets things up. moto takes any signature until it is told otherwise. */
async function aws(service: string, headers: Record<string, string>, body: string): Promise<string> {
  const response = await fetch(`${moto.url}/`, {
    method: "POST",
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261122/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
      ...headers,
    },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${service}: ${response.status} ${text}`);
  return text;
}

async function ecr(operation: string, body: object): Promise<string> {
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": `AmazonEC2ContainerRegistry_V20150921.${operation}`,
  };
  return await aws("ecr", headers, JSON.stringify(body));
}

async function iam(parameters: Record<string, string>): Promise<void> {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  await aws("iam", headers, new URLSearchParams({ Version: "2010-05-08", ...parameters }).toString());
}

async function motoApi(path: string, body: string): Promise<void> {
  const response = await fetch(`${moto.url}/moto-api/${path}`, { method: "POST", body });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

async function pushImage(content: string, scanned: boolean): Promise<string> {
  const layer = `sha256:${createHash("sha256").update(content).digest("hex")}`;
  const imageManifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    config: { mediaType: "application/vnd.docker.container.image.v1+json", size: 2, digest: layer },
    layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", size: 2, digest: layer }],
  });
  const answer = await ecr("PutImage", { repositoryName: repository, imageManifest, imageTag: content });
  const { imageDigest } = (JSON.parse(answer) as { image: { imageId: { imageDigest: string } } }).image
    .imageId;
  if (scanned) await ecr("StartImageScan", { repositoryName: repository, imageId: { imageDigest } });
  return imageDigest;
}

beforeEach(async () => {
  await motoApi("reset", "");
  await motoApi("reset-auth", "inf");
  await ecr("CreateRepository", { repositoryName: repository });
});

function load(inspector: boolean): CloudSource {
  return loadEcr(
    {
      type: "ecr",
      name: "moto",
      registries: [registry],
      credentials: { kind: "aws", roleArn, region, tokenFile: "/token", stsEndpoint: moto.url },
      ecrEndpoint: moto.url,
      inspectorEndpoint: moto.url,
      inspector,
    },
    undefined,
    {
      fetch: createRegistryFetch(),
      readFile: () => Promise.resolve("header.claims.signature"),
      now: Date.now,
    },
  );
}

const read = async (digest: string, { source } = load(false), name = repository): Promise<ScanReport> =>
  await source.report({ registry, repository: name, digest }, signal);

describe("moto", () => {
  test("a finding of basic scanning", async () => {
    const report = await read(await pushImage("basic", true));
    expect({ ...report, scannedAt: typeof report.scannedAt, scanner: report.scanner?.name }).toEqual({
      state: "complete",
      source: "moto",
      trust: { kind: "source" },
      scanner: "Amazon ECR basic scanning",
      scannedAt: "string",
      findings: [
        {
          id: "CVE-9999-9999",
          severity: "high",
          package: { name: "moto_fake", version: "9.9.9" },
          cvss: expect.any(Number),
          url: expect.any(String),
        },
      ],
    });
  });

  test("an image that was not scanned, no image and no repository are absent", async () => {
    const unscanned = await pushImage("unscanned", false);
    expect([
      (await read(unscanned)).reason,
      (await read(`sha256:${"0".repeat(64)}`)).reason,
      (await read(unscanned, load(false), "team/other")).reason,
    ]).toEqual([
      "ECR has no scan of this image",
      "ECR has no such image",
      "ECR has no such repository; a pull through cache makes it at the first pull",
    ]);
  });

  test("a finding of enhanced scanning, and EPSS from Inspector", async () => {
    const digest = await pushImage("enhanced", true);
    const seconds = Date.parse("2026-11-22T09:00:00Z") / 1000;
    const finding = {
      awsAccountId: account,
      findingArn: `arn:aws:inspector2:${region}:${account}:finding/1`,
      type: "PACKAGE_VULNERABILITY",
      status: "ACTIVE",
      severity: "UNTRIAGED",
      lastObservedAt: seconds,
      fixAvailable: "NO",
      packageVulnerabilityDetails: {
        vulnerabilityId: "CVE-2026-0001",
        source: "NVD",
        cvss: [],
        vulnerablePackages: [
          { name: "lodash", version: "4.0.0", packageManager: "NODEPKG", fixedInVersion: "NotAvailable" },
        ],
      },
    };
    await motoApi(
      "static/ecr/scan-finding-results",
      JSON.stringify({
        region,
        results: [
          {
            registryId: account,
            repositoryName: repository,
            imageId: { imageDigest: digest },
            imageScanStatus: { status: "ACTIVE" },
            imageScanFindings: { enhancedFindings: [finding] },
          },
        ],
      }),
    );
    await motoApi(
      "static/inspector2/findings-results",
      JSON.stringify({ account_id: account, region, results: [[{ ...finding, epss: { score: 0.25 } }]] }),
    );
    expect(await read(digest, load(true))).toEqual({
      state: "complete",
      // moto has no coverage to list.
      reason: expect.stringContaining("Inspector gave no answer"),
      source: "moto",
      trust: { kind: "source" },
      scanner: { name: "Amazon Inspector" },
      scannedAt: "2026-11-22T09:00:00Z",
      findings: [
        {
          id: "CVE-2026-0001",
          severity: "unknown",
          package: { name: "lodash", version: "4.0.0", type: "npm", purl: "pkg:npm/lodash@4.0.0" },
          fix: { available: false },
          epss: 0.25,
        },
      ],
    });
  });

  test("a login for the registry", async () => {
    const login = await load(false).credential(registry, signal);
    expect([login?.username, typeof login?.password]).toEqual(["AWS", "string"]);
  });

  test("signatures that moto verifies itself, by a role that may read scans and nothing else", async () => {
    const digest = await pushImage("signed", true);
    await iam({ Action: "CreateRole", RoleName: "gatehouse", AssumeRolePolicyDocument: "{}" });
    await iam({
      Action: "PutRolePolicy",
      RoleName: "gatehouse",
      PolicyName: "read",
      PolicyDocument: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "ecr:DescribeImageScanFindings", Resource: "*" }],
      }),
    });
    const loaded = load(false);
    // The first question takes the role; from the next one on signatures and permissions count.
    expect((await read(digest, loaded)).state).toBe("complete");
    await motoApi("reset-auth", "0");
    expect((await read(digest, loaded)).state).toBe("complete");
    await expect(loaded.credential(registry, signal)).rejects.toMatchObject({ code: "denied", status: 403 });
  });
});
