/**
 * Checks against a live cluster and cloud, each with its evidence. Nothing is changed: clusters are read, admission is
 * asked by dry runs, and tokens last ten minutes.
 */
import { execFile } from "node:child_process";
import { parseArgs } from "node:util";
import { versionProblems } from "@gatehouse/gate/components";

/** One thing that must be so. */
export interface Check {
  readonly name: string;
  /** Gives what was seen; rejects with why it is not so. */
  readonly run: () => Promise<string>;
}

/** What checks reach the world by. */
export interface World {
  /** Runs a program and gives what it printed; rejects with what it printed as an error. */
  readonly run: (
    program: string,
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ) => Promise<string>;
  readonly fetch: typeof fetch;
}

/** Programs of this machine and its network. */
export const thisMachine: World = {
  run: (program, args, env = {}) =>
    new Promise((resolve, reject) => {
      execFile(
        program,
        args,
        { timeout: 60_000, maxBuffer: 16 * 1024 * 1024, env: { ...process.env, ...env } },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`${program} ${args[0] ?? ""}: ${stderr.trim() || error.message}`));
        },
      );
    }),
  fetch,
};

/**
 * Runs all checks, one after the other, and prints a line for each.
 *
 * @returns whether all passed
 */
export async function report(checks: readonly Check[], print: (line: string) => void): Promise<boolean> {
  let failed = 0;
  for (const { name, run } of checks) {
    try {
      print(`pass  ${name}: ${await run()}`);
    } catch (error) {
      failed += 1;
      print(`fail  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  print(failed === 0 ? `pass  all ${checks.length} checks` : `fail  ${failed} of ${checks.length} checks`);
  return failed === 0;
}

/** Options of a script, all of which are required, from the command line. @throws Error naming those missing */
export function options<Name extends string>(
  names: readonly Name[],
  args: readonly string[],
): Record<Name, string> {
  const { values } = parseArgs({
    args: [...args],
    options: Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
  });
  const missing = names.filter((name) => typeof values[name] !== "string" || values[name] === "");
  if (missing.length > 0) throw new Error(`expected ${missing.map((name) => `--${name} VALUE`).join(" ")}`);
  return values as Record<Name, string>;
}

/** What holds for a gate in any cloud. `kubectl`'s current context is the cluster. */
export function clusterChecks(
  { run, fetch: get }: World,
  image: string,
  expectedIssuer: () => Promise<string>,
): Check[] {
  const kubectl = (...args: string[]) => run("kubectl", args);
  return [
    {
      name: "Kubernetes is new enough",
      async run() {
        const version = field(await kubectl("version", "-o", "json"), "serverVersion", "gitVersion");
        const [problem] = versionProblems("cluster", version);
        if (problem !== undefined) throw new Error(problem.problem);
        return String(version);
      },
    },
    {
      name: "the cluster's issuer is the one that the cloud names",
      async run() {
        const issuer = field(await kubectl("get", "--raw", "/.well-known/openid-configuration"), "issuer");
        const expected = await expectedIssuer();
        if (issuer !== expected) throw new Error(`expected ${expected}, got ${String(issuer)}`);
        return expected;
      },
    },
    {
      name: "clouds can fetch the issuer's keys",
      async run() {
        const issuer = (await expectedIssuer()).replace(/\/$/, "");
        const answer = await get(`${issuer}/.well-known/openid-configuration`, {
          signal: AbortSignal.timeout(20_000),
        });
        const keys = field(await answer.text(), "jwks_uri");
        if (!answer.ok || typeof keys !== "string")
          throw new Error(`answered ${answer.status} without jwks_uri`);
        return keys;
      },
    },
    {
      name: "the judge runs",
      async run() {
        const selector = "app.kubernetes.io/name=gatehouse,app.kubernetes.io/component=judge";
        const { items } = JSON.parse(
          await kubectl("get", "deployments", "-n", "gatehouse", "-l", selector, "-o", "json"),
        ) as { items: { spec: { replicas: number }; status: { availableReplicas?: number } }[] };
        const [judge] = items;
        const available = judge?.status.availableReplicas ?? 0;
        if (judge === undefined || available < judge.spec.replicas)
          throw new Error(`${available} of ${judge?.spec.replicas ?? 0} replicas are available`);
        return `${available} replicas are available`;
      },
    },
    {
      name: "the control plane reaches the judge",
      async run() {
        const args = [
          "run",
          "gatehouse-live",
          `--image=${image}`,
          "--dry-run=server",
          "-n",
          "default",
          "-o",
          "name",
        ];
        const denied = /admission webhook "[a-z.]*gatehouse\.dev" denied/;
        const said = await kubectl(...args).catch((error: unknown) => {
          const text = (error as Error).message;
          if (denied.test(text)) return text;
          throw error;
        });
        // In mode audit a webhook that fails is ignored, so a dry run alone proves nothing; this goes the same way.
        const path = "/api/v1/namespaces/gatehouse/services/https:gatehouse:443/proxy/readyz";
        const ready = await kubectl("get", "--raw", path);
        const registered = await kubectl("get", "validatingwebhookconfiguration", "gatehouse", "-o", "name");
        return `${registered.trim()}, readyz: ${ready.trim()}, dry run: ${said.trim().split("\n")[0] ?? ""}`;
      },
    },
  ];
}

/** A token of a service account of the gate's namespace. */
export async function tokenOf(
  { run }: World,
  audience: string,
  serviceAccount = "gatehouse",
): Promise<string> {
  const args = [
    "create",
    "token",
    serviceAccount,
    "-n",
    "gatehouse",
    `--audience=${audience}`,
    "--duration=10m",
  ];
  return (await run("kubectl", args)).trim();
}

/**
 * That the cloud takes the gate's token, and refuses those of another service account and for another audience.
 *
 * @param exchange gives what the cloud issued, and rejects when it refuses
 */
export function exchangeChecks(
  world: World,
  audience: string,
  exchange: (token: string) => Promise<unknown>,
): Check[] {
  const refused = (name: string, token: () => Promise<string>): Check => ({
    name,
    async run() {
      const text = await token();
      const reason = await exchange(text).then(
        () => undefined,
        (error: unknown) => (error as Error).message,
      );
      if (reason === undefined) throw new Error("the cloud took it");
      return reason;
    },
  });
  return [
    ...["gatehouse", "gatehouse-observer"].map((account) => ({
      name: `the cloud takes the token of ${account}`,
      async run() {
        await exchange(await tokenOf(world, audience, account));
        return audience;
      },
    })),
    refused("another service account is refused", () => tokenOf(world, audience, "default")),
    refused("another audience is refused", () => tokenOf(world, "gatehouse-live")),
  ];
}

/** Sends a form and gives the answer's text; rejects with status and beginning of any other answer. */
export async function post(
  { fetch: send }: World,
  url: string,
  form: Record<string, string>,
): Promise<string> {
  const answer = await send(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${new URL(url).host} answered ${answer.status}: ${text.slice(0, 300)}`);
  return text;
}

/** A field inside JSON text; undefined where there is none. */
export function field(text: string, ...path: readonly string[]): unknown {
  let value = JSON.parse(text) as unknown;
  for (const key of path) value = (value as Record<string, unknown> | null | undefined)?.[key];
  return value;
}

/** Runs a script's checks on this machine and sets the exit code. */
export async function main(checks: (args: readonly string[], world: World) => Check[]): Promise<void> {
  try {
    const passed = await report(checks(process.argv.slice(2), thisMachine), console.log);
    process.exitCode = passed ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}
