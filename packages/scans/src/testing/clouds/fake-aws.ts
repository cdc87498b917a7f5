/**
 * STS, the Pod Identity agent, ECR and Inspector as far as the gate asks them.
 */
import { createHash, createHmac } from "node:crypto";
import { Hono, type Context } from "hono";
import type { Misbehaviour } from "../fake-registry.ts";
import type { FakeCluster, Trusted } from "./fake-cluster.ts";
import { BadRequest, createPager, formOf, onlyKeys } from "./strict.ts";

/** One image's scan, as ECR tells it. */
export interface EcrScan {
  /** An error's type instead of an answer. */
  error?: string;
  status?: string;
  description?: string;
  /** Seconds since 1970. */
  completedAt?: number;
  findings?: readonly object[];
  enhancedFindings?: readonly object[];
  counts?: Record<string, number>;
  /** Inspector's own, with EPSS. */
  inspectorFindings?: readonly object[];
  coverage?: object;
}

export interface FakeAws {
  /** For `fakeNetwork`. */
  readonly hosts: Record<string, Hono>;
  /** By `REPOSITORY@DIGEST`; an image that is not in it has no scan. */
  readonly scans: Map<string, EcrScan>;
  /** `OPERATION subject` in order. */
  readonly asked: string[];
  /** Calls each credential that was issued so far expired. */
  expireKeys(): void;
  misbehave: Misbehaviour | undefined;
  /** Number of credentials issued. */
  readonly issued: number;
  /** What ECR's registries take now. */
  readonly passwords: readonly string[];
}

export interface FakeAwsOptions {
  /** The cloud's clock. */
  now: () => number;
  cluster: FakeCluster;
  trusted: Trusted;
  account?: string;
  region?: string;
  roleArn?: string;
  /** Life of a credential in seconds. @default 3600 */
  lifeSeconds?: number;
  /** Whether the caller may ask Inspector. @default true */
  inspector?: boolean;
}

interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  endsAt: number;
}

export const awsAccount = "123456789012";
export const awsRegion = "eu-west-1";
export const awsRole = `arn:aws:iam::${awsAccount}:role/gatehouse`;
export const awsRegistry = `${awsAccount}.dkr.ecr.${awsRegion}.amazonaws.com`;

export function fakeAws(options: FakeAwsOptions): FakeAws {
  const { now, cluster, trusted, account = awsAccount, region = awsRegion, roleArn = awsRole } = options;
  const keys = new Map<string, Keys>();
  const page = createPager();
  const scans = new Map<string, EcrScan>();
  const asked: string[] = [];
  const passwords: string[] = [];
  let count = 0;

  function issue(): Keys {
    const id = String(++count).padStart(16, "0");
    const endsAt = now() + (options.lifeSeconds ?? 3600) * 1000;
    const one = {
      accessKeyId: `ASIA${id}`,
      secretAccessKey: `secret/${id}+=`,
      sessionToken: `session${id}==`,
      endsAt,
    };
    keys.set(one.accessKeyId, one);
    return one;
  }

  const error = (c: Context, type: string, status: 400 | 403 | 500 = 400): Response =>
    c.json({ __type: `com.amazonaws.fake#${type}`, message: type }, status);

  /** The error's type, or undefined for a request whose signature holds. */
  async function signatureProblem(c: Context, service: string): Promise<string | undefined> {
    const form =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
    const [, id = "", day = "", signedRegion, signedService, names = "", signature] =
      form.exec(c.req.header("authorization") ?? "") ?? [];
    const key = keys.get(id);
    if (key === undefined) return "UnrecognizedClientException";
    if (signedRegion !== region || signedService !== service) return "InvalidSignatureException";
    const date = c.req.header("x-amz-date") ?? "";
    const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
    if (parts === null || !date.startsWith(day)) return "IncompleteSignatureException";
    const [, year, month, dayOfMonth, hour, minute, second] = parts;
    const at = Date.parse(`${year}-${month}-${dayOfMonth}T${hour}:${minute}:${second}Z`);
    if (Math.abs(at - now()) > 5 * 60_000) return "InvalidSignatureException";
    const url = new URL(c.req.url);
    const headers = names.split(";");
    const mustBeSigned = [
      "host",
      ...[...c.req.raw.headers.keys()].filter((name) => name.startsWith("x-amz-")),
    ];
    if (mustBeSigned.some((name) => !headers.includes(name))) return "IncompleteSignatureException";
    const valueOf = (name: string): string =>
      name === "host" ? url.host : (c.req.header(name) ?? "").trim();
    const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
    const canonical = [
      c.req.method,
      url.pathname,
      url.search.slice(1),
      ...headers.map((name) => `${name}:${valueOf(name)}`),
      "",
      names,
      sha256(await c.req.text()),
    ].join("\n");
    const scope = `${day}/${region}/${service}/aws4_request`;
    const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
    const signingKey = [day, region, service, "aws4_request"].reduce<string | Buffer>(
      (secret, text) => createHmac("sha256", secret).update(text).digest(),
      `AWS4${key.secretAccessKey}`,
    );
    if (createHmac("sha256", signingKey).update(toSign).digest("hex") !== signature)
      return "InvalidSignatureException";
    if (c.req.header("x-amz-security-token") !== key.sessionToken) return "UnrecognizedClientException";
    return key.endsAt <= now() ? "ExpiredTokenException" : undefined;
  }

  function app(): Hono {
    const one = new Hono();
    one.onError((problem, c) => {
      if (!(problem instanceof BadRequest)) throw problem;
      return c.json({ __type: "ValidationException", message: problem.message }, 400);
    });
    one.use(async (c, next) => {
      const answer = await (fake.misbehave === undefined
        ? next().then(() => c.res)
        : fake.misbehave(c.req.raw, async () => {
            await next();
            return c.res;
          }));
      const response = new Response(answer.body, answer);
      response.headers.set("date", new Date(now()).toUTCString());
      c.res = undefined;
      c.res = response;
    });
    return one;
  }

  const sts = app();
  sts.post("/", async (c) => {
    const form = await formOf(c, ["Action", "Version", "RoleArn", "RoleSessionName", "WebIdentityToken"]);
    asked.push(`AssumeRoleWithWebIdentity ${form["RoleArn"]}`);
    const fail = (code: string, message: string, status: 400 | 403): Response =>
      c.body(
        `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n  <Error>\n    <Type>Sender</Type>\n    <Code>${code}</Code>\n    <Message>${message}</Message>\n  </Error>\n  <RequestId>r</RequestId>\n</ErrorResponse>\n`,
        status,
        { "content-type": "text/xml" },
      );
    if (form["Action"] !== "AssumeRoleWithWebIdentity" || form["Version"] !== "2011-06-15")
      return fail("InvalidAction", "no such action", 400);
    const problem = cluster.check(form["WebIdentityToken"] ?? "", trusted, now());
    if (problem === "malformed" || problem === "issuer")
      return fail("InvalidIdentityToken", "No OpenIDConnect provider found in your account", 400);
    if (problem === "audience") return fail("InvalidIdentityToken", "Incorrect token audience", 400);
    if (problem === "expired") return fail("ExpiredTokenException", "Token expired", 400);
    if (problem === "subject" || form["RoleArn"] !== roleArn)
      return fail("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403);
    const { accessKeyId, secretAccessKey, sessionToken, endsAt } = issue();
    return c.body(
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser><AssumedRoleId>AROA:gatehouse</AssumedRoleId><Arn>arn</Arn></AssumedRoleUser>
    <Provider>${trusted.issuer}</Provider>
    <Credentials>
      <AccessKeyId>${accessKeyId}</AccessKeyId>
      <SecretAccessKey>${secretAccessKey}</SecretAccessKey>
      <SessionToken>${sessionToken}</SessionToken>
      <Expiration>${new Date(endsAt).toISOString().replace(/\.\d{3}/, "")}</Expiration>
    </Credentials>
    <SubjectFromWebIdentityToken>${trusted.subject}</SubjectFromWebIdentityToken>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>
`,
      200,
      { "content-type": "text/xml" },
    );
  });

  const agent = app();
  agent.get("/v1/credentials", (c) => {
    asked.push("PodIdentity");
    const problem = cluster.check(
      c.req.header("authorization") ?? "",
      { ...trusted, audience: "pods.eks.amazonaws.com" },
      now(),
    );
    if (problem !== undefined) return c.json({ code: "AccessDeniedException", message: problem }, 400);
    const { accessKeyId, secretAccessKey, sessionToken, endsAt } = issue();
    return c.json({
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      AccountId: account,
      Expiration: new Date(endsAt).toISOString(),
    });
  });

  const ecr = app();
  ecr.post("/", async (c) => {
    const target = c.req.header("x-amz-target") ?? "";
    const [, operation = ""] = /^AmazonEC2ContainerRegistry_V20150921\.(\w+)$/.exec(target) ?? [];
    if (c.req.header("content-type") !== "application/x-amz-json-1.1")
      return error(c, "SerializationException");
    const body = await c.req.json<Record<string, unknown>>();
    const refused = await signatureProblem(c, "ecr");
    if (refused !== undefined) return error(c, refused, refused.startsWith("Expired") ? 403 : 400);
    if (operation === "GetAuthorizationToken") {
      onlyKeys(body, []);
      asked.push("GetAuthorizationToken");
      const password = `password-${passwords.length + 1}`;
      passwords.push(password);
      return c.json({
        authorizationData: [
          {
            authorizationToken: Buffer.from(`AWS:${password}`).toString("base64"),
            expiresAt: (now() + 12 * 3_600_000) / 1000,
            proxyEndpoint: `https://${account}.dkr.ecr.${region}.amazonaws.com`,
          },
        ],
      });
    }
    if (operation !== "DescribeImageScanFindings") return error(c, "UnknownOperationException");
    const wanted = ["repositoryName", "imageId"];
    onlyKeys(body, [...wanted, "registryId", "maxResults", "nextToken"], wanted);
    const { imageDigest } = body["imageId"] as { imageDigest: string };
    onlyKeys(body["imageId"] as object, ["imageDigest"], ["imageDigest"]);
    const size = body["maxResults"] as number;
    if (!Number.isInteger(size) || size < 1 || size > 1000) throw new BadRequest("maxResults");
    const key = `${body["repositoryName"] as string}@${imageDigest}`;
    asked.push(`DescribeImageScanFindings ${key}`);
    if (body["registryId"] !== account) return error(c, "AccessDeniedException");
    const scan = scans.get(key);
    if (scan?.error !== undefined) return error(c, scan.error, scan.error === "ServerException" ? 500 : 400);
    if (scan === undefined) return error(c, "ScanNotFoundException");
    const enhanced = scan.enhancedFindings !== undefined;
    const all = scan.enhancedFindings ?? scan.findings ?? [];
    // Enhanced findings come by 100 whatever is asked for.
    const { items, next } = page(
      key,
      all,
      enhanced ? Math.min(size, 100) : size,
      body["nextToken"] as string | undefined,
    );
    return c.json({
      registryId: account,
      repositoryName: body["repositoryName"],
      imageId: { imageDigest },
      imageScanStatus:
        scan.status === undefined ? undefined : { status: scan.status, description: scan.description },
      imageScanFindings: {
        imageScanCompletedAt: scan.completedAt,
        vulnerabilitySourceUpdatedAt: scan.completedAt,
        findingSeverityCounts: scan.counts,
        ...(enhanced ? { enhancedFindings: items } : { findings: items }),
      },
      nextToken: next,
    });
  });

  const inspector = app();
  inspector.post("/:kind{findings|coverage}/list", async (c) => {
    const body = await c.req.json<Record<string, unknown>>();
    const refused = await signatureProblem(c, "inspector2");
    if (refused !== undefined) return error(c, refused, 403);
    if (options.inspector === false) return error(c, "AccessDeniedException", 403);
    onlyKeys(body, ["filterCriteria", "maxResults", "nextToken"], ["filterCriteria"]);
    const coverage = c.req.param("kind") === "coverage";
    const size = body["maxResults"] as number;
    if (!Number.isInteger(size) || size < 1 || size > (coverage ? 200 : 100))
      throw new BadRequest("maxResults");
    const criteria = body["filterCriteria"] as Record<string, { comparison: string; value: string }[]>;
    onlyKeys(
      criteria,
      coverage
        ? ["accountId", "resourceType", "ecrRepositoryName", "resourceId"]
        : ["awsAccountId", "ecrImageHash", "ecrImageRepositoryName", "findingStatus"],
    );
    const values = (name: string): string[] => (criteria[name] ?? []).map(({ value }) => value);
    const token = body["nextToken"] as string | undefined;
    if (coverage) {
      const [resourceId = ""] = values("resourceId");
      const key = resourceId.replace(/^.*:repository\//, "").replace(/\/(sha256:[0-9a-f]+)$/, "@$1");
      asked.push(`ListCoverage ${key}`);
      const found = scans.get(key)?.coverage;
      const { items, next } = page(
        `coverage ${key}`,
        found === undefined ? [] : [{ resourceId, ...found }],
        size,
        token,
      );
      return c.json({ coveredResources: items, nextToken: next });
    }
    const key = `${values("ecrImageRepositoryName")[0]}@${values("ecrImageHash")[0]}`;
    asked.push(`ListFindings ${key}`);
    const wanted = (scans.get(key)?.inspectorFindings ?? []).filter((one) =>
      values("findingStatus").includes((one as { status: string }).status),
    );
    const { items, next } = page(`findings ${key}`, wanted, size, token);
    return c.json({ findings: items, nextToken: next });
  });

  const fake: FakeAws = {
    hosts: {
      [`sts.${region}.amazonaws.com`]: sts,
      "169.254.170.23": agent,
      [`api.ecr.${region}.amazonaws.com`]: ecr,
      [`inspector2.${region}.amazonaws.com`]: inspector,
    },
    scans,
    asked,
    passwords,
    misbehave: undefined,
    expireKeys: () => {
      for (const one of keys.values()) one.endsAt = Math.min(one.endsAt, now());
    },
    get issued() {
      return count;
    },
  };
  return fake;
}
