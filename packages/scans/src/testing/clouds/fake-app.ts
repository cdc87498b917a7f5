import { Hono, type Context } from "hono";
import type { FakeRegistry, Misbehaviour } from "../fake-registry.ts";
import { BadRequest } from "./strict.ts";

/**
 * One interface of a fake cloud: what is wrong with a request is an answer in the cloud's own form, and a test can stand
 * between request and answer.
 */
export function fakeApp(options: {
  misbehave: () => Misbehaviour | undefined;
  /** The answer to what breaks the interface's rules. */
  badRequest: (c: Context, message: string) => Response;
  /** The cloud's clock for the `Date` of answers, in milliseconds since 1970. @default none is sent */
  now?: () => number;
}): Hono {
  const app = new Hono();
  app.onError((problem, c) => {
    if (!(problem instanceof BadRequest)) throw problem;
    return options.badRequest(c, problem.message);
  });
  app.use(async (c, next) => {
    const usual = async (): Promise<Response> => {
      await next();
      return c.res;
    };
    const answer = (await options.misbehave()?.(c.req.raw, usual)) ?? (await usual());
    const response = new Response(answer.body, answer);
    if (options.now !== undefined) response.headers.set("date", new Date(options.now()).toUTCString());
    // Hono would merge the headers of an answer that it already has.
    c.res = undefined;
    c.res = response;
  });
  return app;
}

/** A registry whose content only those may read whom `allows` lets through; others get `challenge`. */
export function behindLogin(
  registry: FakeRegistry,
  options: { allows: (c: Context, repository: string) => boolean; challenge: (repository: string) => string },
): Hono {
  const app = new Hono();
  app.all("/v2/*", async (c) => {
    const { pathname } = new URL(c.req.url);
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs|referrers)\//.exec(pathname)?.[1] ?? "";
    if (options.allows(c, repository)) return await registry.app.request(c.req.raw);
    c.header("www-authenticate", options.challenge(repository));
    return c.json({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] }, 401);
  });
  return app;
}
