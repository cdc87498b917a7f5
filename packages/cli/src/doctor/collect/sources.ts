import {
  gateConfigSchema,
  InvalidInputError,
  problemsOf,
  type GateConfig,
  type SourceConfig,
} from "@gatehouse/policy";
import {
  cloudCredential,
  createLookUp,
  IdentityError,
  loadArtifactRegistry,
  loadEcr,
  type CloudDeps,
  type IdentityProblem,
} from "@gatehouse/scans";
import { known, type Known } from "../facts.ts";

/** How a login at a source's registry went. */
export type Login =
  | { readonly outcome: "given"; readonly registry: string }
  /** Nothing to be exchanged: anonymous, a password, a folder; or no host is named in full. */
  | { readonly outcome: "none" }
  | {
      readonly outcome: "refused";
      readonly registry: string;
      /** Which part of the identity is wrong; undefined when it is not the identity. */
      readonly problem: IdentityProblem | undefined;
      readonly why: string;
    };

/** What one image's look-up came to. */
export interface ImageFacts {
  readonly reference: string;
  readonly source: string;
  readonly state: string;
  readonly reason: string | undefined;
  readonly scannedAt: string | undefined;
}

/** What was learned where the gate runs: with its tokens, by its way to the registries. */
export interface InsideFacts {
  readonly sources: readonly { readonly config: SourceConfig; readonly login: Login }[];
  readonly images: Known<readonly ImageFacts[]>;
  readonly now: number;
}

/** Longest that one login, and one look-up, may take. */
const budgetMs = 30_000;

/** Reads a gate's `config.json`. @throws InvalidInputError naming every problem */
export function parseConfig(file: string, text: string): GateConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const problem = `expected JSON: ${error instanceof Error ? error.message : String(error)}`;
    throw new InvalidInputError("GH3009", file, [{ path: "", problem }]);
  }
  const parsed = gateConfigSchema.safeParse(value);
  if (!parsed.success) throw new InvalidInputError("GH3009", file, problemsOf(parsed.error, value));
  return parsed.data;
}

/** Logs in everywhere and looks the images up. Sends nothing but what the gate would send. */
export async function collectInside(
  { sources, combine }: Pick<GateConfig, "sources" | "combine">,
  references: readonly string[],
  deps: CloudDeps,
): Promise<InsideFacts> {
  const logins = await Promise.all(
    sources.map(async (config) => ({ config, login: await logIn(config, deps) })),
  );
  const images = await known(async () => {
    if (references.length === 0) return [];
    const service = await createLookUp({ sources, combine, ...deps, budgetMs });
    try {
      const scans = await Promise.all(
        references.map(async (reference) => ({
          reference,
          scan: await service.lookUp(reference, { platforms: [], signal: AbortSignal.timeout(budgetMs) }),
        })),
      );
      return scans.flatMap(({ reference, scan }) =>
        scan.platforms.map(({ report: { source, state, reason, scannedAt } }) => ({
          reference,
          source,
          state,
          reason,
          scannedAt,
        })),
      );
    } finally {
      await service.close();
    }
  });
  return { sources: logins, images, now: deps.now() };
}

async function logIn(config: SourceConfig, deps: CloudDeps): Promise<Login> {
  const registry = config.registries?.find((host) => !host.startsWith("*."));
  if (config.type === "file" || registry === undefined) return { outcome: "none" };
  try {
    const ca = config.caFile === undefined ? undefined : await deps.readFile(config.caFile);
    const credential =
      config.type === "ecr"
        ? loadEcr(config, ca, deps).credential
        : config.type === "artifact-registry"
          ? loadArtifactRegistry(config, ca, deps).credential
          : cloudCredential(config, ca, deps);
    const login = await credential?.(registry, AbortSignal.timeout(budgetMs));
    return login === undefined ? { outcome: "none" } : { outcome: "given", registry };
  } catch (error) {
    return {
      outcome: "refused",
      registry,
      problem: error instanceof IdentityError ? error.problem : undefined,
      why: error instanceof Error ? error.message : String(error),
    };
  }
}
