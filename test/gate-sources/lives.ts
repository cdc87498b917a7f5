/** One image's life in each kind of registry: how it is pushed, and what its scanner says of it. */
import { tokenFile } from "@gatehouse/gate";
import type { SourceConfig } from "@gatehouse/policy";
import { clouds, type FakeRegistry } from "@gatehouse/scans/testing";
import { keySigner } from "@gatehouse/scans/testing/sigstore-signer";
import { finding, report } from "../gate/reports.ts";
import { basicRegion, enhancedRegion, type FakeClouds } from "./fake-clouds.ts";

type Image = ReturnType<FakeRegistry["pushImage"]>;

/** A registry with a scanner. */
export interface Life {
  readonly name: string;
  readonly source: SourceConfig;
  /** Without a tag. */
  readonly repository: string;
  readonly push: (tag: string) => Image;
  /** The scan is under way. */
  readonly pending: (image: Image) => void | Promise<void>;
  /** A scan has ended now, with one critical finding or with none. */
  readonly scanned: (image: Image, vulnerable: boolean) => void | Promise<void>;
  /** What the cloud was asked so far; undefined where nobody has to be asked who the gate is. */
  readonly asked?: readonly string[];
  /** How the gate's own token was exchanged, among `asked`. */
  readonly exchange?: string;
}

/** What the gate is given so that it can be somebody to each cloud. */
export const tokenAudiences = {
  aws: clouds.audiences.aws,
  azure: clouds.audiences.azure,
  google: clouds.audiences.google,
};

/** How soon a scan that has ended is looked up again. */
const refreshAfter = "1m";
const cve = finding.VulnerabilityID;

export function livesIn(all: FakeClouds): Life[] {
  return [
    ecrBasic(all),
    ecrEnhanced(all),
    artifactRegistry(all, "europe-docker.pkg.dev"),
    artifactRegistry(all, "gcr.io"),
    defender(all),
  ];
}

function aws(region: string): SourceConfig & { type: "ecr" } {
  return {
    type: "ecr",
    name: `ecr-${region}`,
    registries: [`${clouds.awsAccount}.dkr.ecr.${region}.amazonaws.com`],
    credentials: { kind: "aws", roleArn: clouds.awsRole, region, tokenFile: tokenFile("aws") },
    refreshAfter,
  };
}

const exchangeWithAws = `AssumeRoleWithWebIdentity ${clouds.awsRole}`;

function ecrBasic({ basic }: FakeClouds): Life {
  const repository = "shop/app";
  const source = aws(basicRegion);
  return {
    name: "ECR, basic scanning",
    source,
    repository: `${source.registries[0]}/${repository}`,
    push: (tag) => basic.registry.pushImage(repository, { tag, content: `basic ${tag}` }),
    pending: ({ digest }) => void basic.scans.set(`${repository}@${digest}`, { status: "IN_PROGRESS" }),
    scanned({ digest }, vulnerable) {
      const attributes = [{ key: "package_name", value: finding.PkgName }];
      const findings = vulnerable ? [{ name: cve, severity: "CRITICAL", attributes }] : [];
      const counts = vulnerable ? { CRITICAL: 1 } : {};
      const completedAt = Date.now() / 1000;
      basic.scans.set(`${repository}@${digest}`, { status: "COMPLETE", completedAt, findings, counts });
    },
    asked: basic.asked,
    exchange: exchangeWithAws,
  };
}

function ecrEnhanced({ enhanced }: FakeClouds): Life {
  const repository = "shop/app";
  const source = { ...aws(enhancedRegion), inspector: true };
  const coverage = (reason: string, lastScannedAt?: number): object => ({
    scanStatus: { statusCode: "ACTIVE", reason },
    ...(lastScannedAt === undefined ? {} : { lastScannedAt }),
  });
  return {
    name: "ECR, enhanced scanning",
    source,
    repository: `${source.registries[0]}/${repository}`,
    push: (tag) => enhanced.registry.pushImage(repository, { tag, content: `enhanced ${tag}` }),
    pending: ({ digest }) =>
      void enhanced.scans.set(`${repository}@${digest}`, {
        status: "ACTIVE",
        enhancedFindings: [],
        coverage: coverage("PENDING_INITIAL_SCAN"),
      }),
    scanned({ digest }, vulnerable) {
      const now = Date.now() / 1000;
      const one = {
        findingArn: `arn:aws:inspector2:${enhancedRegion}:${clouds.awsAccount}:finding/${digest}`,
        type: "PACKAGE_VULNERABILITY",
        status: "ACTIVE",
        severity: "CRITICAL",
        lastObservedAt: now,
        packageVulnerabilityDetails: {
          vulnerabilityId: cve,
          vulnerablePackages: [{ name: finding.PkgName, version: "1", packageManager: "OS" }],
        },
      };
      const found = vulnerable ? [one] : [];
      enhanced.scans.set(`${repository}@${digest}`, {
        status: "ACTIVE",
        enhancedFindings: found,
        inspectorFindings: found.map((same) => ({ ...same, epss: { score: 0.9 } })),
        coverage: coverage("SUCCESSFUL", now),
      });
    },
    asked: enhanced.asked,
    exchange: exchangeWithAws,
  };
}

function artifactRegistry({ google }: FakeClouds, host: string): Life {
  const repository = `${clouds.googleProject}/${host === "gcr.io" ? "" : "shop/"}app`;
  const record = (image: Image, records: readonly object[]): void =>
    void google.occurrences.set(`https://${host}/${repository}@${image.digest}`, records);
  const discovery = (fields: object): object => ({ kind: "DISCOVERY", discovery: fields });
  return {
    name: `Artifact Registry at ${host}`,
    source: {
      type: "artifact-registry",
      name: `artifacts-${host}`,
      registries: [host],
      projects: [clouds.googleProject],
      credentials: { kind: "google", audience: clouds.googleAudience, tokenFile: tokenFile("google") },
      refreshAfter,
    },
    repository: `${host}/${repository}`,
    push: (tag) => google.registry.pushImage(repository, { tag, content: `${host} ${tag}` }),
    pending: (image) => record(image, [discovery({ analysisStatus: "SCANNING" })]),
    scanned(image, vulnerable) {
      const ended = discovery({
        analysisStatus: "FINISHED_SUCCESS",
        continuousAnalysis: "ACTIVE",
        lastScanTime: new Date().toISOString(),
      });
      const found = {
        kind: "VULNERABILITY",
        noteName: `projects/goog-vulnz/notes/${cve}`,
        vulnerability: {
          severity: "CRITICAL",
          packageIssue: [{ affectedPackage: finding.PkgName, packageType: "OS" }],
        },
      };
      record(image, vulnerable ? [ended, found] : [ended]);
    },
    asked: google.asked,
    exchange: "token",
  };
}

function defender({ azure }: FakeClouds): Life {
  const repository = "shop/app";
  const signer = keySigner();
  const attach = async (image: Image, metadata: object, result: readonly object[]): Promise<void> => {
    const statement = {
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: repository, digest: { sha256: image.digest.slice("sha256:".length) } }],
      predicateType: "https://in-toto.io/attestation/vulns/v0.2",
      predicate: { scanner: { uri: "MDVM", result }, metadata },
    };
    azure.registry.attach(repository, image, {
      artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      content: await signer.sign(statement),
      annotations: { scanner: "MDVM" },
    });
  };
  return {
    name: "Azure Container Registry with Defender",
    source: {
      type: "defender",
      name: "acr",
      registries: [clouds.azureRegistry],
      credentials: {
        kind: "azure",
        tenantId: clouds.azureTenant,
        clientId: clouds.azureClient,
        tokenFile: tokenFile("azure"),
      },
      trust: [{ kind: "sigstore-key", publicKey: signer.publicKey }],
      refreshAfter,
    },
    repository: `${clouds.azureRegistry}/${repository}`,
    push: (tag) => azure.registry.pushImage(repository, { tag, content: `acr ${tag}` }),
    pending: (image) => attach(image, { scanStartedOn: new Date().toISOString() }, []),
    scanned(image, vulnerable) {
      const at = new Date().toISOString();
      const severity = [{ method: "nvd", score: "CRITICAL" }];
      return attach(
        image,
        { scanStartedOn: at, scanFinishedOn: at },
        vulnerable ? [{ id: cve, severity }] : [],
      );
    },
    asked: azure.asked,
    exchange: "entra https://containerregistry.azure.net/.default",
  };
}

/** Reports that a pipeline attaches to what it pushes, signed by nobody, in a registry without a login. */
export function attached(registry: FakeRegistry, host: string): Life {
  const repository = "shop/app";
  const attach = (image: Image, content: string): void =>
    void registry.attach(repository, image, {
      artifactType: "application/vnd.aquasec.trivy.report+json",
      content,
    });
  const reportOf = ({ digest }: Image, vulnerable: boolean): Record<string, unknown> => ({
    ...(JSON.parse(
      report({ reference: `${host}/${repository}:1`, digest }, vulnerable ? [finding] : []),
    ) as Record<string, unknown>),
    CreatedAt: new Date().toISOString(),
  });
  return {
    name: "reports attached to images",
    source: {
      type: "referrer",
      name: "attached",
      registries: [host],
      plainHttp: true,
      allowUnsigned: true,
      refreshAfter,
    },
    repository: `${host}/${repository}`,
    push: (tag) => registry.pushImage(repository, { tag, content: tag }),
    pending(image) {
      // It does not say when its scan ended.
      const { CreatedAt: _, ...unfinished } = reportOf(image, false);
      attach(image, JSON.stringify(unfinished));
    },
    scanned: (image, vulnerable) => attach(image, JSON.stringify(reportOf(image, vulnerable))),
  };
}
