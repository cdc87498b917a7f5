/** The dashboard: pages for people, made on the server, readable without JavaScript. */
import { Hono, type Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { streamSSE } from "hono/streaming";
import type { Log } from "../../judge/log.ts";
import type { Background } from "../background.ts";
import type { EventStore } from "../events/event-store.ts";
import type { Access, Refused } from "../http/access.ts";
import { untilChanged } from "../http/until-changed.ts";
import type { ObserverMetrics } from "../metrics.ts";
import { assetVersion, icon, script, style } from "./assets.ts";
import { link, relink } from "./links.ts";
import type { HealthFacts } from "./models/health.ts";
import { pageMakers, type PageMaker } from "./pages.ts";
import { readForm, securityHeaders, sentFromHere } from "./security.ts";
import { createSessions, sessionMs } from "./sessions.ts";
import { createSurvey, type Regime } from "./survey.ts";
import { tableCsv, tableJson } from "./table.ts";
import { pageHtml, type Frame } from "./views/layout.ts";
import { messageHtml, signInHtml } from "./views/pages.ts";
import { cookieName, createVisitors, eventsRight, inventoryRight, type Visitor } from "./visitors.ts";

/** What the dashboard is given. */
export interface DashboardOptions {
  access: Access;
  /** Undefined until this instance holds the lease. */
  background: () => Background | undefined;
  events: EventStore;
  /** Policy, mode and digests on record, as they are in force now. */
  regime: () => Regime;
  health: () => HealthFacts;
  metrics: Pick<ObserverMetrics, "requests">;
  log: Log;
  /** Milliseconds since 1970. */
  now: () => number;
}

const mostStreams = 100;
/** How often a stream asks whether its viewer may still look; milliseconds. */
const streamCheckMs = 30_000;

/**
 * The dashboard as routes for the observer's app: `/` leads to it, all else is under `/ui`. Who has no token of
 * the audience `gatehouse`, in the header or by signing in, sees the form to sign in and nothing else.
 *
 * @example
 * app.route("/", dashboard(options));
 */
export function dashboard(options: DashboardOptions): Hono {
  const { access, events, metrics, log, now } = options;
  const app = new Hono();
  const sessions = createSessions({ now });
  const visitors = createVisitors({ access, sessions, background: options.background, events });
  const survey = createSurvey({ background: options.background, regime: options.regime, now });
  const makers = pageMakers({ ...options, survey });
  let streams = 0;

  app.use("/ui/*", async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(securityHeaders))
      if (!c.res.headers.has(name)) c.res.headers.set(name, value);
    const page = c.req.path.slice("/ui/".length);
    const route = page in makers || page === "signin" || page === "live" ? `/ui/${page}` : "/ui";
    metrics.requests.inc({ route, status: String(c.res.status) });
  });

  app.get("/", (c) => c.redirect("ui/now", 302));
  app.get("/ui", (c) => c.redirect("ui/now", 302));
  app.get("/ui/", (c) => c.redirect("now", 302));
  for (const [name, type, content] of [
    ["style.css", "text/css; charset=utf-8", style],
    ["live.js", "text/javascript; charset=utf-8", script],
    ["icon.svg", "image/svg+xml", icon],
  ] as const)
    app.get(`/ui/${name}`, (c) =>
      c.body(content, 200, { "content-type": type, "cache-control": "public, max-age=31536000, immutable" }),
    );

  function framed(
    c: Context,
    status: 200 | 401 | 403 | 404 | 503,
    frame: Pick<Frame, "title" | "content"> & Partial<Frame>,
  ): Response | Promise<Response> {
    return c.html(
      pageHtml({
        current: "",
        cluster: frame.viewer === undefined ? "" : options.health().cluster,
        assets: assetVersion,
        ...frame,
      }),
      status,
    );
  }

  const signInPage = (c: Context, status: 200 | 401 | 403 | 503, problem?: string) =>
    framed(c, status, { title: "Sign in", content: signInHtml(problem, returnTo(c)) });

  function refusedPage(c: Context, refused: Refused, visitor?: Visitor): Response | Promise<Response> {
    if (refused.status === 401) return signInPage(c, 401, refused.message);
    const title = refused.status === 403 ? "Not allowed" : "No answer";
    const viewer = visitor === undefined ? {} : { viewer: viewerOf(visitor, true) };
    return framed(c, refused.status, {
      title,
      content: messageHtml(title, sentence(refused.message)),
      ...viewer,
    });
  }

  function viewerOf({ user, session }: Visitor, all: boolean): NonNullable<Frame["viewer"]> {
    return { user: user.username, all, ...(session === undefined ? {} : { csrf: session.csrf }) };
  }

  async function show(c: Context, path: string, maker: PageMaker): Promise<Response> {
    const visitor = await visitors.identify(c);
    if (visitor === undefined) return await signInPage(c, 401);
    if ("refused" in visitor) return await refusedPage(c, visitor.refused);
    const sight = await visitors.sight(visitor.user, maker.right);
    if ("refused" in sight) return await refusedPage(c, sight.refused, visitor);
    const address = new URL(c.req.url);
    const format = address.searchParams.get("format");
    const whole = format === "csv" || format === "json";
    const page = await maker.make({ address, sight, whole });
    const viewer = viewerOf(visitor, sight.all);
    if ("message" in page)
      return await framed(c, page.status, {
        title: page.title,
        viewer,
        content: messageHtml(page.title, page.message),
      });
    if (whole) {
      const name = address.searchParams.get("table") ?? page.tables[0]?.name;
      const table = page.tables.find((one) => one.name === name);
      if (table === undefined)
        return await framed(c, 404, {
          title: "No such table",
          viewer,
          content: messageHtml(
            "No such table",
            `This page has ${page.tables.map((one) => one.name).join(", ")}.`,
          ),
        });
      return c.body(
        format === "csv" ? tableCsv(table) : `${JSON.stringify(tableJson(table), undefined, 2)}\n`,
        200,
        {
          "content-type": format === "csv" ? "text/csv; charset=utf-8; header=present" : "application/json",
          "content-disposition": `attachment; filename="gatehouse-${table.name}.${format}"`,
        },
      );
    }
    const live = maker.live && pageNumberOf(address) <= 1 ? await liveAddress(visitor) : undefined;
    const { title, content } = page;
    return await framed(c, 200, { title, content, current: path, viewer, live });
  }

  async function liveAddress({ user }: Visitor): Promise<string | undefined> {
    const sight = await visitors.sight(user, eventsRight);
    return "refused" in sight ? undefined : link("live", { seen: visitors.mark(visitors.newest(sight.see)) });
  }

  for (const [path, maker] of Object.entries(makers)) app.get(`/ui/${path}`, (c) => show(c, path, maker));

  app.get("/ui/signin", async (c) => {
    const visitor = await visitors.identify(c);
    return visitor === undefined || "refused" in visitor ? await signInPage(c, 200) : c.redirect("now", 303);
  });
  app.post("/ui/signin", async (c) => {
    if (!sentFromHere(c)) return await signInPage(c, 403, "The form was not sent from this page.");
    const form = await readForm(c);
    if (form === undefined) return await signInPage(c, 403, "That was no form of this page.");
    const token = (form.get("token") ?? "").trim();
    const who = await access.identify(token);
    if ("refused" in who) {
      const { status, message } = who.refused;
      return await signInPage(c, status, sentence(token === "" ? "expected a token" : message));
    }
    const sights = [
      await visitors.sight(who.user, inventoryRight),
      await visitors.sight(who.user, eventsRight),
    ];
    const refusals = sights.flatMap((sight) => ("refused" in sight ? [sight.refused] : []));
    const [first] = refusals;
    if (first !== undefined && refusals.length === sights.length)
      return await signInPage(c, first.status, sentence(first.message));
    sessions.end(getCookie(c, cookieName, "host"));
    setCookie(c, cookieName, sessions.begin(token), {
      prefix: "host",
      path: "/",
      secure: true,
      httpOnly: true,
      sameSite: "Strict",
      maxAge: sessionMs / 1000,
    });
    return c.redirect(safeReturn(form.get("next")), 303);
  });
  app.post("/ui/signout", async (c) => {
    const id = getCookie(c, cookieName, "host");
    const session = sessions.find(id);
    const form = await readForm(c);
    const genuine = session === undefined || sessions.sent(session, form?.get("csrf") ?? null);
    if (!sentFromHere(c) || !genuine) {
      const title = "Not signed out";
      return await framed(c, 403, {
        title,
        content: messageHtml(title, "The form was not sent from this page."),
      });
    }
    sessions.end(id);
    deleteCookie(c, cookieName, { prefix: "host", path: "/", secure: true });
    return c.redirect("signin", 303);
  });

  app.get("/ui/live", async (c) => {
    const visitor = await visitors.identify(c);
    if (visitor === undefined || "refused" in visitor) return c.text("sign in\n", 401);
    const sight = await visitors.sight(visitor.user, eventsRight);
    if ("refused" in sight) return c.text(`${sight.refused.message}\n`, sight.refused.status);
    if (streams >= mostStreams) return c.text("too many pages are open\n", 503);
    streams++;
    const seen = c.req.query("seen");
    return streamSSE(
      c,
      async (stream) => {
        const gone = new AbortController();
        stream.onAbort(() => gone.abort());
        try {
          let { see } = sight;
          let position = visitors.newest(see);
          let checkedAt = performance.now();
          await stream.writeSSE({
            event: seen === visitors.mark(position) ? "alive" : "changed",
            data: "{}",
          });
          while (!stream.aborted && !gone.signal.aborted) {
            await untilChanged(
              events,
              streamCheckMs,
              gone.signal,
              () => events.after(position, 1, see).length > 0,
            );
            if (performance.now() - checkedAt >= streamCheckMs) {
              checkedAt = performance.now();
              const again = await visitors.identify(c);
              const nowSeen =
                again === undefined || "refused" in again
                  ? undefined
                  : await visitors.sight(again.user, eventsRight);
              if (nowSeen === undefined || "refused" in nowSeen) {
                await stream.writeSSE({ event: "end", data: "{}" });
                return;
              }
              ({ see } = nowSeen);
              // New workloads make no event; pages of the inventory are looked at again now and then.
              await stream.writeSSE({ event: "changed", data: "{}" });
            } else if (events.after(position, 1, see).length > 0) {
              await stream.writeSSE({ event: "changed", data: "{}" });
            }
            position = Math.max(position, events.position);
          }
        } finally {
          streams--;
        }
      },
      (error) => {
        log("warn", "a page's stream of news broke", { error });
        return Promise.resolve();
      },
    );
  });
  return app;

  function pageNumberOf(address: URL): number {
    return Number(address.searchParams.get("page") ?? 1);
  }

  /** Where somebody wanted to go, for after they have signed in. */
  function returnTo(c: Context): string {
    const address = new URL(c.req.url);
    return safeReturn(c.req.path === "/ui/signin" ? null : relink(address, {}));
  }

  /** One of our own pages, whatever was asked for. */
  function safeReturn(wanted: string | null): string {
    const page = /^([a-z]+)(\?[\x21-\x7e]{0,2000})?$/.exec(wanted ?? "")?.[1] ?? "";
    return Object.hasOwn(makers, page) && wanted !== null ? wanted : "now";
  }
}

function sentence(text: string): string {
  const end = /[.!?]$/.test(text) ? "" : ".";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}
