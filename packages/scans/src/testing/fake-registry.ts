import { createHash } from "node:crypto";
import { Hono, type Context } from "hono";

const indexType = "application/vnd.oci.image.index.v1+json";
const manifestType = "application/vnd.oci.image.manifest.v1+json";
const emptyType = "application/vnd.oci.empty.v1+json";

/** Content that the fake holds, as a descriptor names it. */
export interface Stored {
  mediaType: string;
  digest: string;
  size: number;
}

/** Stands between a request and its answer: delays it, changes it, or answers itself. */
export type Misbehaviour = (request: Request, next: () => Promise<Response>) => Promise<Response> | Response;

/** Which registry it is: what it supports, and whom it lets in. */
export interface FakeRegistryOptions {
  /** Name in challenges and links. @default "registry.example" */
  host?: string;
  /** Whether it has the referrers API; `tag` answers 404 there and keeps the fallback index. @default "api" */
  referrers?: "api" | "tag";
  /** Referrers per page. @default 1000 */
  pageSize?: number;
  /** Whether it filters by artifact type, and says so. @default true */
  filters?: boolean;
  /** Wants bearer tokens from its own `/token`, or basic authentication. Anonymous pull when absent. */
  auth?: {
    kind: "bearer" | "basic";
    username: string;
    password: string;
    /** Whether the realm gives tokens to nobody in particular. @default false */
    anonymous?: boolean;
    /** Named in the challenge instead of its own. */
    realm?: string;
    /** Life of a token in seconds. @default 300 */
    expiresIn?: number;
  };
}

/** A registry in memory that holds its callers to the distribution specification. */
export interface FakeRegistry {
  app: Hono;
  /** Replaced at will; `undefined` behaves. */
  misbehave: Misbehaviour | undefined;
  /** `METHOD path?query` in order. */
  readonly requests: string[];
  pushBlob(content: Uint8Array | string, mediaType?: string): Stored;
  /** A manifest as JSON, under its digest and a tag where one is given. */
  pushManifest(repository: string, manifest: object, tag?: string): Stored;
  /** An image of one platform with a configuration. */
  pushImage(
    repository: string,
    options?: { tag?: string; platform?: string; created?: string; content?: string },
  ): Stored;
  pushIndex(
    repository: string,
    children: readonly (Stored & { platform?: string })[],
    options?: { tag?: string },
  ): Stored;
  /** An artifact with one layer whose subject is `subject`. */
  attach(
    repository: string,
    subject: Stored,
    artifact: {
      artifactType: string;
      content: Uint8Array | string;
      mediaType?: string;
      annotations?: Record<string, string>;
    },
  ): Stored;
}

interface Attached extends Stored {
  artifactType: string;
  annotations?: Record<string, string>;
}

/** An empty registry. Digests are computed from what is pushed, so they hold whatever a test asks for. */
export function fakeRegistry(options: FakeRegistryOptions = {}): FakeRegistry {
  const host = options.host ?? "registry.example";
  const blobs = new Map<string, Uint8Array>();
  const manifests = new Map<string, { bytes: Uint8Array; mediaType: string }>();
  const attached = new Map<string, Attached[]>();
  const tokens = new Map<string, string>();

  const sha256 = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const bytesOf = (content: Uint8Array | string): Uint8Array =>
    typeof content === "string" ? new TextEncoder().encode(content) : content;

  const registry: FakeRegistry = {
    app: new Hono(),
    misbehave: undefined,
    requests: [],

    pushBlob(content, mediaType = "application/octet-stream") {
      const bytes = bytesOf(content);
      const digest = sha256(bytes);
      blobs.set(digest, bytes);
      return { mediaType, digest, size: bytes.byteLength };
    },

    pushManifest(repository, manifest, tag) {
      const bytes = bytesOf(JSON.stringify(manifest));
      const { mediaType = manifestType } = manifest as { mediaType?: string };
      const stored = { mediaType, digest: sha256(bytes), size: bytes.byteLength };
      manifests.set(`${repository}@${stored.digest}`, { bytes, mediaType });
      if (tag !== undefined) manifests.set(`${repository}:${tag}`, { bytes, mediaType });
      return stored;
    },

    pushImage(repository, { tag, platform = "linux/amd64", created, content = "layer" } = {}) {
      const [os, architecture, variant] = platform.split("/");
      const config = registry.pushBlob(
        JSON.stringify({ os, architecture, variant, created }),
        "application/vnd.oci.image.config.v1+json",
      );
      const layers = [registry.pushBlob(content, "application/vnd.oci.image.layer.v1.tar+gzip")];
      return registry.pushManifest(
        repository,
        { schemaVersion: 2, mediaType: manifestType, config, layers },
        tag,
      );
    },

    pushIndex(repository, children, { tag } = {}) {
      const entries = children.map(({ platform, ...stored }) => {
        if (platform === undefined) return stored;
        const [os, architecture, variant] = platform.split("/");
        return { ...stored, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
      });
      return registry.pushManifest(
        repository,
        { schemaVersion: 2, mediaType: indexType, manifests: entries },
        tag,
      );
    },

    attach(repository, subject, { artifactType, content, mediaType = artifactType, annotations }) {
      const stored = registry.pushManifest(repository, {
        schemaVersion: 2,
        mediaType: manifestType,
        artifactType,
        config: registry.pushBlob("{}", emptyType),
        layers: [registry.pushBlob(content, mediaType)],
        subject,
        ...(annotations === undefined ? {} : { annotations }),
      });
      const key = `${repository}@${subject.digest}`;
      const list = [
        ...(attached.get(key) ?? []),
        { ...stored, artifactType, ...(annotations === undefined ? {} : { annotations }) },
      ];
      attached.set(key, list);
      if (options.referrers === "tag")
        registry.pushManifest(
          repository,
          { schemaVersion: 2, mediaType: indexType, manifests: list },
          subject.digest.replace(":", "-"),
        );
      return stored;
    },
  };

  const error = (c: Context, status: 400 | 401 | 404 | 406, code: string): Response =>
    c.json({ errors: [{ code, message: code.toLowerCase() }] }, status);

  function challenge(c: Context, repository: string): Response | undefined {
    const { auth } = options;
    if (auth === undefined) return undefined;
    const sent = c.req.header("authorization") ?? "";
    if (auth.kind === "basic") {
      if (sent === basicHeader(auth)) return undefined;
      c.header("www-authenticate", `Basic realm="${host}"`);
      return error(c, 401, "UNAUTHORIZED");
    }
    const scope = `repository:${repository}:pull`;
    if (sent.startsWith("Bearer ") && tokens.get(sent.slice(7)) === scope) return undefined;
    const realm = auth.realm ?? `https://${host}/token`;
    c.header("www-authenticate", `Bearer realm="${realm}",service="${host}",scope="${scope}"`);
    return error(c, 401, "UNAUTHORIZED");
  }

  function serve(c: Context, body: Uint8Array, mediaType: string): Response {
    c.header("content-type", mediaType);
    c.header("content-length", String(body.byteLength));
    c.header("docker-content-digest", sha256(body));
    return c.req.method === "HEAD" ? c.body(null) : c.body(new Uint8Array(body));
  }

  registry.app.onError((problem) => {
    throw problem;
  });
  registry.app.use(async (c, next) => {
    const url = new URL(c.req.url);
    registry.requests.push(`${c.req.method} ${url.pathname}${url.search}`);
    const { misbehave } = registry;
    if (misbehave === undefined) return await next();
    const answer = await misbehave(c.req.raw, async () => {
      await next();
      return c.res;
    });
    // Hono would merge the headers of an answer that it already has.
    c.res = undefined;
    c.res = answer;
    return undefined;
  });

  registry.app.get("/token", (c) => {
    const { auth } = options;
    const scope = c.req.query("scope") ?? "";
    if (auth?.kind !== "bearer" || c.req.query("service") !== host || !/^repository:[^:]+:pull$/.test(scope))
      return error(c, 400, "BAD_REQUEST");
    const sent = c.req.header("authorization");
    if (sent === undefined ? auth.anonymous !== true : sent !== basicHeader(auth))
      return error(c, 401, "UNAUTHORIZED");
    const token = `token-${tokens.size + 1}`;
    tokens.set(token, scope);
    return c.json({ token, expires_in: auth.expiresIn ?? 300 });
  });

  registry.app.on(["GET", "HEAD"], "/v2/:rest{.+}", (c) => {
    const match = /^(.+)\/(manifests|blobs|referrers)\/([^/]+)$/.exec(c.req.param("rest"));
    const [, repository = "", kind, reference = ""] = match ?? [];
    const refused = challenge(c, repository);
    if (refused !== undefined) return refused;
    if (kind === "manifests") {
      const found = manifests.get(`${repository}${reference.includes(":") ? "@" : ":"}${reference}`);
      if (found === undefined) return error(c, 404, "MANIFEST_UNKNOWN");
      const accepted = (c.req.header("accept") ?? "").split(/,\s*/);
      if (!accepted.includes(found.mediaType)) return error(c, 406, "MANIFEST_INVALID");
      return serve(c, found.bytes, found.mediaType);
    }
    if (kind === "blobs") {
      const found = blobs.get(reference);
      return found === undefined
        ? error(c, 404, "BLOB_UNKNOWN")
        : serve(c, found, "application/octet-stream");
    }
    if (kind !== "referrers" || options.referrers === "tag") return error(c, 404, "NOT_FOUND");
    return referrers(c, repository, reference);
  });

  function referrers(c: Context, repository: string, digest: string): Response {
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) return error(c, 400, "DIGEST_INVALID");
    const wanted = c.req.query("artifactType");
    let list = attached.get(`${repository}@${digest}`) ?? [];
    if (wanted !== undefined && options.filters !== false) {
      list = list.filter(({ artifactType }) => artifactType === wanted);
      c.header("oci-filters-applied", "artifactType");
    }
    const pageSize = options.pageSize ?? 1000;
    const start = Number(c.req.query("n") ?? "0");
    if (start + pageSize < list.length) {
      const query = wanted === undefined ? "" : `&artifactType=${encodeURIComponent(wanted)}`;
      c.header("link", `</v2/${repository}/referrers/${digest}?n=${start + pageSize}${query}>; rel="next"`);
    }
    const body = {
      schemaVersion: 2,
      mediaType: indexType,
      manifests: list.slice(start, start + pageSize),
    };
    return serve(c, bytesOf(JSON.stringify(body)), indexType);
  }

  return registry;
}

function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
