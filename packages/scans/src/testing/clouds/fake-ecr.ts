/** ECR's own interface: scan findings and the login for its registries. */
import type { Hono } from "hono";
import { awsFailure, type FakeAwsParts } from "./aws-parts.ts";
import { BadRequest, onlyKeys } from "./strict.ts";

const describeKeys = ["repositoryName", "imageId"];

/** @param passwords What ECR's registries take, the newest last. */
export function fakeEcr(parts: FakeAwsParts, passwords: string[]): Hono {
  const { now, account, region, keys, scans, asked, page } = parts;
  const ecr = parts.app();
  let logins = 0;
  ecr.post("/", async (c) => {
    const target = c.req.header("x-amz-target") ?? "";
    const [, operation = ""] = /^AmazonEC2ContainerRegistry_V20150921\.(\w+)$/.exec(target) ?? [];
    if (c.req.header("content-type") !== "application/x-amz-json-1.1")
      return awsFailure(c, "SerializationException");
    const body = await c.req.json<Record<string, unknown>>();
    const refused = await keys.problemOf(c, "ecr");
    if (refused !== undefined) return awsFailure(c, refused, refused.startsWith("Expired") ? 403 : 400);
    if (operation === "GetAuthorizationToken") {
      onlyKeys(body, []);
      asked.push("GetAuthorizationToken");
      const password = `password-${++logins}`;
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
    if (operation !== "DescribeImageScanFindings") return awsFailure(c, "UnknownOperationException");
    onlyKeys(body, [...describeKeys, "registryId", "maxResults", "nextToken"], describeKeys);
    const { imageDigest } = body["imageId"] as { imageDigest: string };
    onlyKeys(body["imageId"] as object, ["imageDigest"], ["imageDigest"]);
    const size = body["maxResults"] as number;
    if (!Number.isInteger(size) || size < 1 || size > 1000) throw new BadRequest("maxResults");
    const key = `${body["repositoryName"] as string}@${imageDigest}`;
    asked.push(`DescribeImageScanFindings ${key}`);
    if (body["registryId"] !== account) return awsFailure(c, "AccessDeniedException");
    const scan = scans.get(key);
    if (scan?.error !== undefined)
      return awsFailure(c, scan.error, scan.error === "ServerException" ? 500 : 400);
    if (scan === undefined) return awsFailure(c, "ScanNotFoundException");
    const enhanced = scan.enhancedFindings !== undefined;
    // Enhanced findings come by 100 whatever is asked for.
    const { items, next } = page(
      key,
      scan.enhancedFindings ?? scan.findings ?? [],
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
  return ecr;
}
