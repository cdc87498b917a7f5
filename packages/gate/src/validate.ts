import {
  canonicalJson,
  exploitFeedSchema,
  InvalidInputError,
  parseImageReference,
  parsePolicy,
  runningSchema,
  sourceSchema,
  type Problem,
} from "@gatehouse/policy";
import type { GateArgs } from "./args.ts";
import { name, oneOf, schemaProblems, show, whole } from "./argument-checks.ts";
import { eventSinkProblems } from "./event-sink.ts";
import { LARGEST_FILE, LARGEST_FILES, LARGEST_OBJECT } from "./limits.ts";
import { CALLER_SERVICE_ACCOUNT } from "./names.ts";
import { isPlain } from "./plain.ts";
import { operationProblems } from "./operation-problems.ts";

const PLATFORM = /^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9.]+)?$/;
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/;

/**
 * All that is wrong with a Gate's arguments. Inputs that are Outputs are looked at when they are known, when the
 * config is made of them.
 */
export function problemsOfArgs(args: GateArgs): Problem[] {
  return [
    ...policyProblems(args.policy),
    ...oneOf("mode", args.mode, ["audit", "deny"]),
    ...oneOf("combine", args.combine, ["first", "worst"]),
    ...oneOf("failurePolicy", args.failurePolicy, ["Ignore", "Fail"]),
    ...clusterProblems(args),
    ...(args.sources ?? []).flatMap((source, index) =>
      isPlain(source) ? schemaProblems(`sources.${index}`, source, sourceSchema) : [],
    ),
    ...platformProblems(args.platforms),
    ...pinProblems(args),
    ...whole("replicas", args.replicas, 2, 100, "two or more keep answering while one is replaced"),
    ...whole("timeoutSeconds", args.timeoutSeconds, 1, 30, "the API server allows no more"),
    ...whole("targetPort", args.targetPort, 1024, 65_535, "the gate does not run as root"),
    ...operationProblems(args),
    ...name("namespace", args.namespace),
    ...accountProblems(args.serviceAccount),
    ...(args.excludedNamespaces ?? []).flatMap((one, index) => name(`excludedNamespaces.${index}`, one)),
    ...imageProblems(args),
    ...generationProblems(args.caGenerations),
    ...Object.keys(args.tokenAudiences ?? {}).flatMap((one) => name(`tokenAudiences.${one}`, one)),
    ...fileProblems(args.files ?? {}),
    ...eventSinkProblems(args.eventSink),
    ...(args.exploitFeed === undefined
      ? []
      : schemaProblems("exploitFeed", args.exploitFeed, exploitFeedSchema)),
    ...(args.running === undefined ? [] : schemaProblems("running", args.running, runningSchema)),
    ...(isPlain(args.caBundle) && args.caBundle !== undefined && !PEM.test(args.caBundle as string)
      ? [{ path: "caBundle", problem: "expected PEM certificates, got none" }]
      : []),
    ...acknowledgedProblems(args),
  ];
}

function policyProblems(policy: unknown): Problem[] {
  if (!isPlain(policy))
    return [
      {
        path: "policy",
        problem:
          "expected plain data, got an Output or Promise; the policy's hash must be known before anything runs",
      },
    ];
  const parsed = parsePolicy(policy);
  if (!parsed.ok)
    return parsed.problems.map(({ path, problem }) => ({ path: under("policy", path), problem }));
  try {
    const size = Buffer.byteLength(canonicalJson(parsed.policy, "policy"));
    if (size <= LARGEST_OBJECT) return [];
    return [
      {
        path: "policy",
        problem: `expected at most ${LARGEST_OBJECT} bytes as JSON, which is what a ConfigMap holds, got ${size}; join exemptions by patterns, or attach VEX documents to images instead`,
      },
    ];
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return error.problems.map(({ path, problem }) => ({ path: under("policy", path), problem }));
  }
}

/** The account that people ask the observer with has another meaning. */
function accountProblems(account: unknown): Problem[] {
  if (account === CALLER_SERVICE_ACCOUNT)
    return [
      {
        path: "serviceAccount",
        problem: `expected another name than ${CALLER_SERVICE_ACCOUNT}, which is that of whoever asks the observer`,
      },
    ];
  return name("serviceAccount", account);
}

function clusterProblems({ cluster }: GateArgs): Problem[] {
  const wanted = 'expected the cluster\'s name, such as { name: "shop-prod" }';
  if (typeof cluster !== "object" || cluster === null)
    return [{ path: "cluster", problem: `${wanted}, got ${show(cluster)}` }];
  if (isPlain(cluster.name) && (typeof cluster.name !== "string" || cluster.name === ""))
    return [{ path: "cluster.name", problem: `${wanted}, got ${show(cluster.name)}` }];
  return [];
}

function platformProblems(platforms: GateArgs["platforms"]): Problem[] {
  if (platforms === undefined) return [];
  if (platforms.length === 0)
    return [
      { path: "platforms", problem: "expected at least one, or leave it out to take those of the nodes" },
    ];
  return platforms.flatMap((platform, index) =>
    PLATFORM.test(platform)
      ? []
      : [
          {
            path: `platforms.${index}`,
            problem: `expected os/architecture, such as linux/amd64, got ${show(platform)}`,
          },
        ],
  );
}

function pinProblems(args: GateArgs): Problem[] {
  return args.pin === true && (args.mode ?? "audit") === "audit"
    ? [{ path: "pin", problem: "expected false or nothing in mode audit, which changes no object, got true" }]
    : [];
}

function imageProblems({ image, registry }: GateArgs): Problem[] {
  const problems: Problem[] = [];
  if (image !== undefined && registry !== undefined)
    problems.push({ path: "registry", problem: "expected either image or registry, got both" });
  if (registry !== undefined && !/^[a-z0-9][a-z0-9./:_-]*$/.test(registry))
    problems.push({ path: "registry", problem: `expected HOST[:PORT][/PATH], got ${show(registry)}` });
  if (image === undefined) return problems;
  const parsed = parseImageReference(image.reference);
  if (!parsed.ok || parsed.reference.digest === undefined)
    problems.push({
      path: "image.reference",
      problem: `expected REGISTRY/REPOSITORY@sha256:…, got ${show(image.reference)}; the gate cannot judge itself, so its image is given by digest`,
    });
  for (const field of ["node", "bundles"] as const) {
    const path = image[field];
    if (path !== undefined && !path.startsWith("/"))
      problems.push({ path: `image.${field}`, problem: `expected an absolute path, got ${show(path)}` });
  }
  return problems;
}

function generationProblems(generations: GateArgs["caGenerations"]): Problem[] {
  if (generations === undefined) return [];
  const path = "caGenerations";
  if (generations.length === 0) return [{ path, problem: 'expected at least one, such as ["2026"]' }];
  const problems = generations.flatMap((one, index) =>
    /^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/.test(one)
      ? []
      : [
          {
            path: `${path}.${index}`,
            problem: `expected lower-case letters, digits and dashes, at most 20, got ${show(one)}`,
          },
        ],
  );
  if (new Set(generations).size < generations.length)
    problems.push({ path, problem: `expected different names, got ${show(generations)}` });
  return problems;
}

function fileProblems(files: NonNullable<GateArgs["files"]>): Problem[] {
  let total = 0;
  const problems = Object.entries(files).flatMap(([folder, content]) => [
    ...name(`files.${folder}`, folder),
    ...Object.entries(content).flatMap(([file, text]) => {
      const path = `files.${folder}.${file}`;
      const size = Buffer.byteLength(text);
      total += size;
      const found: Problem[] = [];
      if (!/^[A-Za-z0-9._-]{1,253}$/.test(file) || file.startsWith(".."))
        found.push({
          path,
          problem: "expected a file name of letters, digits, dots, dashes and underscores",
        });
      if (size > LARGEST_FILE)
        found.push({ path, problem: `expected at most ${LARGEST_FILE} bytes, got ${size}` });
      return found;
    }),
  ]);
  if (total > LARGEST_FILES)
    problems.push({
      path: "files",
      problem: `expected at most ${LARGEST_FILES} bytes in all, got ${total}; attach reports to their images instead`,
    });
  return problems;
}

function acknowledgedProblems({ acknowledged = {}, policy }: GateArgs): Problem[] {
  const rules = isPlain(policy) ? Object.keys(policy?.rules ?? {}) : [];
  return Object.entries(acknowledged).flatMap(([rule, workloads]) => [
    ...(rules.includes(rule)
      ? []
      : [
          {
            path: `acknowledged.${rule}`,
            problem: `expected the name of a rule of the policy (${rules.join(", ") || "it has none"})`,
          },
        ]),
    ...(Array.isArray(workloads) ? workloads : [workloads]).flatMap((workload: unknown, index) =>
      typeof workload === "string" && /^[a-z0-9-]+\/[A-Za-z]+\/[a-z0-9.-]+$/.test(workload)
        ? []
        : [
            {
              path: `acknowledged.${rule}.${index}`,
              problem: `expected namespace/Kind/name, such as shop/Deployment/web, got ${show(workload)}`,
            },
          ],
    ),
  ]);
}

function under(root: string, path: string): string {
  return path === "" ? root : `${root}.${path}`;
}
