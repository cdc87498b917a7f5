/** Inspector: findings, coverage and details, for several images at once. */
import type { Hono } from "hono";
import { awsFailure, type EcrScan, type FakeAwsParts } from "./aws-parts.ts";
import { BadRequest, onlyKeys } from "./strict.ts";

/** Most entries of one filter, and most findings that details are asked of at once. */
const mostValues = 10;

/** @param allowed Whether the caller may ask it. */
export function fakeInspector(parts: FakeAwsParts, allowed: boolean): Hono {
  const { account, region, keys, scans, asked, page } = parts;
  const inspector = parts.app();

  inspector.post("/:kind{findings|coverage}/list", async (c) => {
    const body = await c.req.json<Record<string, unknown>>();
    const refused = await keys.problemOf(c, "inspector2");
    if (refused !== undefined) return awsFailure(c, refused, 403);
    if (!allowed) return awsFailure(c, "AccessDeniedException", 403);
    onlyKeys(body, ["filterCriteria", "maxResults", "nextToken"], ["filterCriteria"]);
    const coverage = c.req.param("kind") === "coverage";
    const size = body["maxResults"] as number;
    if (!Number.isInteger(size) || size < 1 || size > (coverage ? 200 : 100))
      throw new BadRequest("maxResults");
    const valuesOf = filterOf(
      body["filterCriteria"] as Record<string, unknown>,
      coverage
        ? ["accountId", "resourceType", "resourceId"]
        : ["awsAccountId", "ecrImageHash", "findingStatus"],
    );
    const question = JSON.stringify(body["filterCriteria"]);
    const token = body["nextToken"] as string | undefined;
    const images = coverage
      ? byResource(valuesOf("resourceId"))
      : byDigest(new Set(valuesOf("ecrImageHash")));
    if (valuesOf(coverage ? "accountId" : "awsAccountId").join() !== account)
      return awsFailure(c, "AccessDeniedException", 403);
    asked.push(
      `${coverage ? "ListCoverage" : "ListFindings"} ${valuesOf(coverage ? "resourceId" : "ecrImageHash")
        .map((one) => one.replace(/^.*:repository\//, "").replace(/\/(sha256:[0-9a-f]+)$/, "@$1"))
        .join(" ")}`,
    );
    if (coverage) {
      const all = images.map(([key, { coverage: one }]) => ({ resourceId: resourceIdOf(key), ...one }));
      const { items, next } = page(question, all, size, token);
      return c.json({ coveredResources: items, nextToken: next });
    }
    const all = images.flatMap(([key, { inspectorFindings = [] }]) =>
      inspectorFindings
        .filter((one) => valuesOf("findingStatus").includes((one as { status: string }).status))
        .map((one) => ({ ...one, resources: [resourceOf(key, one)] })),
    );
    const { items, next } = page(question, all, size, token);
    return c.json({ findings: items, nextToken: next });
  });

  inspector.post("/findings/details/batch/get", async (c) => {
    const body = await c.req.json<Record<string, unknown>>();
    const refused = await keys.problemOf(c, "inspector2");
    if (refused !== undefined) return awsFailure(c, refused, 403);
    if (!allowed) return awsFailure(c, "AccessDeniedException", 403);
    onlyKeys(body, ["findingArns"], ["findingArns"]);
    const arns = body["findingArns"] as readonly string[];
    if (!Array.isArray(arns) || arns.length === 0 || arns.length > mostValues)
      throw new BadRequest("findingArns");
    asked.push(`BatchGetFindingDetails ${arns.join(" ")}`);
    const details = Object.assign(
      {},
      ...[...scans.values()].map((scan) => scan.details ?? {}),
    ) as NonNullable<EcrScan["details"]>;
    return c.json({
      findingDetails: arns.flatMap((arn) =>
        details[arn] === undefined ? [] : [{ findingArn: arn, ...details[arn] }],
      ),
      errors: arns.flatMap((arn) =>
        details[arn] === undefined
          ? [{ findingArn: arn, errorCode: "FINDING_DETAILS_NOT_FOUND", errorMessage: "none" }]
          : [],
      ),
    });
  });

  function byResource(ids: readonly string[]): [string, EcrScan][] {
    const start = resourceIdOf("");
    return ids.flatMap((id): [string, EcrScan][] => {
      const key = id.startsWith(start) ? id.slice(start.length).replace("/sha256:", "@sha256:") : "";
      const scan = scans.get(key);
      return scan?.coverage === undefined ? [] : [[key, scan]];
    });
  }

  /** The same bytes may be in several repositories. */
  function byDigest(digests: ReadonlySet<string>): [string, EcrScan][] {
    return [...scans].filter(([key]) => digests.has(key.slice(key.indexOf("@") + 1)));
  }

  function resourceIdOf(key: string): string {
    return `arn:aws:ecr:${region}:${account}:repository/${key.replace("@sha256:", "/sha256:")}`;
  }

  /** The finding's own resource, with what the interface says of every image. */
  function resourceOf(key: string, finding: object): object {
    const [own = {}] = (finding as { resources?: { details?: Record<string, object> }[] }).resources ?? [];
    const [repositoryName, imageHash] = key.split("@");
    const image = own.details?.["awsEcrContainerImage"] ?? {};
    return {
      type: "AWS_ECR_CONTAINER_IMAGE",
      id: resourceIdOf(key),
      details: { awsEcrContainerImage: { ...image, repositoryName, imageHash, registry: account } },
    };
  }

  return inspector;
}

/** Values by field of filter criteria, each field with 1 to 10 entries that say `EQUALS`. */
function filterOf(criteria: Record<string, unknown>, fields: readonly string[]): (field: string) => string[] {
  onlyKeys(criteria, fields, fields);
  const entries = criteria as Record<string, { comparison: string; value: string }[]>;
  for (const [field, list] of Object.entries(entries))
    if (list.length === 0 || list.length > mostValues || list.some((one) => one.comparison !== "EQUALS"))
      throw new BadRequest(field);
  return (field) => (entries[field] ?? []).map(({ value }) => value);
}
