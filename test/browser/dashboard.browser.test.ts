/** The dashboard as people see it: Chromium over an observer on loopback. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openBrowser, openWindow } from "./browser.ts";
import { ask } from "./requests.ts";
import { markup, recentAdmissions } from "./stage-world.ts";
import { openStage, viewers, type Stage } from "./stage.ts";

let stage: Stage;
let browser: Browser;
let windows: BrowserContext[] = [];

beforeAll(async () => {
  stage = await openStage();
  await stage.admitAll(recentAdmissions());
  browser = await openBrowser();
});
afterEach(async () => {
  await Promise.all(windows.map((window) => window.close()));
  windows = [];
});
afterAll(async () => {
  await browser.close();
  await stage.stop();
});

const open = async (options: Parameters<typeof openWindow>[2] = {}): Promise<Page> => {
  const window = await openWindow(browser, stage.url, options);
  windows.push(window);
  return await window.newPage();
};

const signIn = async (page: Page, token: string) => {
  await page.getByLabel(/Token/).fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
};

const openAs = async (account: string, path: string, options: Parameters<typeof openWindow>[2] = {}) => {
  const page = await open(options);
  await page.goto(path);
  await signIn(page, stage.token(account));
  await page.getByRole("navigation", { name: "Pages", exact: true }).waitFor();
  return page;
};

const image = (reference: string) => `ui/image?reference=${encodeURIComponent(reference)}`;
const web = "registry.example/shop/web:4.2";
const paths = ["ui/now", "ui/admissions", image(web), "ui/exemptions", "ui/health"];

/** Pages that need something found first. */
const admissionOf = async (page: Page) => {
  await page.goto("ui/admissions");
  return `ui/${(await page.locator("td.time a").first().getAttribute("href")) ?? ""}`;
};

const rows = async (page: Page, caption: RegExp) =>
  await page.getByRole("table", { name: caption }).locator("tbody tr").allInnerTexts();

test("nothing is open: every page asks to sign in, and says nothing of the cluster", async () => {
  for (const path of [
    ...paths,
    "ui/admission?key=x",
    "ui/admissions?format=csv",
    "ui/now?format=json&table=cves",
  ]) {
    const { status, text, headers } = await ask(stage.url, `/${path}`, {});
    expect([path, status]).toEqual([path, 401]);
    // The way back is what was asked for; nothing else may be about the cluster.
    const said = text.replace(/name="next" value="[^"]*"/, "");
    expect(said).not.toMatch(/shop|prod-eu|registry\.example|CVE-\d/);
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
  }
  expect((await ask(stage.url, "/ui/live", {})).status).toBe(401);
  expect((await ask(stage.url, "/ui/nothing", {})).status).toBe(404);
});

test.each([
  ["text that is no token", () => "no token"],
  ["a token for another audience", () => stage.token(viewers.everything, "https://kubernetes.default.svc")],
  ["a token that has ended", () => stage.token(viewers.everything, "gatehouse", -1)],
  ["a token of somebody without rights", () => stage.token(viewers.nothing)],
])("sign-in refuses %s", async (_, token) => {
  const page = await open();
  await page.goto("ui/now");
  await signIn(page, token());
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("navigation", { name: "Pages", exact: true }).count()).toBe(0);
  expect(await page.context().cookies()).toEqual([]);
});

test("signing in leads to the page that was wanted, with a cookie no script can read; signing out ends it", async () => {
  const page = await openAs(viewers.everything, "ui/admissions?namespace=pay");
  expect(page.url()).toBe(`${stage.url}/ui/admissions?namespace=pay`);
  const [cookie] = await page.context().cookies();
  expect(cookie).toMatchObject({
    name: "__Host-gatehouse",
    httpOnly: true,
    secure: true,
    sameSite: "Strict",
    path: "/",
  });
  expect(await page.evaluate("document.cookie")).toBe("");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  const old = { cookie: `${cookie?.name ?? ""}=${cookie?.value ?? ""}` };
  expect((await ask(stage.url, "/ui/now", { headers: old })).status).toBe(401);
});

test("forms that another site sends are refused, and so is a sign-out without the page's own secret", async () => {
  const form = {
    method: "POST",
    body: `token=${stage.token(viewers.everything)}`,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  };
  const from = async (path: string, headers: Record<string, string>) =>
    (await ask(stage.url, path, { ...form, headers: { ...form.headers, ...headers } })).status;
  expect(await from("/ui/signin", {})).toBe(403);
  expect(await from("/ui/signin", { "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await from("/ui/signin", { origin: "https://elsewhere.example" })).toBe(403);
  const page = await openAs(viewers.everything, "ui/now");
  const [cookie] = await page.context().cookies();
  const own = { cookie: `__Host-gatehouse=${cookie?.value ?? ""}`, "sec-fetch-site": "same-origin" };
  expect(await from("/ui/signout", own)).toBe(403);
  expect((await ask(stage.url, "/ui/now", { headers: own })).status).toBe(200);
});

test("a page that was wanted is only ever one of ours", async () => {
  const send = async (next: string) =>
    await ask(stage.url, "/ui/signin", {
      method: "POST",
      body: new URLSearchParams({ token: stage.token(viewers.everything), next }).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
    });
  for (const next of ["https://elsewhere.example/", "//elsewhere.example", "constructor", "now/../../v1", ""])
    expect([next, (await send(next)).headers["location"]]).toEqual([next, "now"]);
  expect((await send("image?reference=a%2Fb")).headers["location"]).toBe("image?reference=a%2Fb");
});

test("every page is there without JavaScript, and its links lead on", async () => {
  const page = await openAs(viewers.everything, "ui/now", { javaScript: false });
  expect(await page.locator(".tile").allInnerTexts()).toEqual([
    "3\ndenied",
    "4\naudited",
    "1\nadmitted",
    "8\nworkloads in all",
  ]);
  expect(await rows(page, /By namespace/)).toEqual(["shop\t2\t2\t5", "pay\t1\t2\t3"]);
  await page.getByRole("link", { name: "CVE-2026-10001" }).click();
  expect((await rows(page, /^Workloads/)).map((row) => row.split("\t")[0])).toEqual(["shop/Deployment/web"]);
  await page.getByRole("link", { name: web }).click();
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe(web);
  expect(await page.locator("main").innerText()).toContain(
    "Upgrade openssl from 1.0.4 to 3.0.17 (CVE-2026-10001).",
  );
  expect(await rows(page, /Where it is/)).toEqual([
    "shop/Deployment/web\twritten in its template\t\t✕ denied\tof Deployment/web",
    "shop/Deployment/web\trunning\t3\t✕ denied\tof Deployment/web",
  ]);
  await page.getByRole("link", { name: "Admissions of this image" }).click();
  expect(await rows(page, /^Admissions/)).toHaveLength(2);
  await page.locator("td.time a").first().click();
  expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Pod web-canary-5d9- in shop");
});

test.each([
  ["action", "denied", 6],
  ["action", "audited", 4],
  ["action", "admitted", 1],
  ["namespace", "pay", 4],
  ["workload", "LEDGER", 1],
  ["image", "shop/web", 2],
  ["cve", "cve-2026-20001", 2],
  ["user", "alice", 1],
  ["user", "nobody", 0],
])("admissions by %s %s", async (filter, value, count) => {
  const page = await openAs(viewers.everything, `ui/admissions?${filter}=${value}`);
  const found = count === 0 ? [] : await rows(page, /^Admissions/);
  expect(found).toHaveLength(count);
  expect(await page.locator(`form [name=${filter}]`).inputValue()).toBe(value);
});

test("CSV and JSON have all rows of the filter; what a spreadsheet would run is text", async () => {
  const headers = { "x-gatehouse-token": stage.token(viewers.everything) };
  const csv = await ask(stage.url, "/ui/admissions?format=csv&table=admissions&user=alice", { headers });
  expect(csv.headers["content-disposition"]).toBe('attachment; filename="gatehouse-admissions.csv"');
  const [head, line, end] = csv.text.split("\r\n");
  expect(head).toBe("time,action,namespace,workload,image,reasons,user,times");
  expect(line).toMatch(
    /^[-0-9: ]{19},denied,shop,Deployment\/web-canary,registry\.example\/shop\/web:4\.2,.*,alice@example\.com,1$/,
  );
  expect(end).toBe("");
  await stage.admit({ namespace: "shop", workload: "sum", image: web, user: '=HYPERLINK("http://x")' });
  const formula = await ask(stage.url, "/ui/admissions?format=csv&user=HYPERLINK", { headers });
  expect(formula.text).toContain(`"'=HYPERLINK(""http://x"")"`);
  const json = await ask(stage.url, "/ui/now?format=json&table=namespaces", { headers });
  expect(JSON.parse(json.text)).toEqual([
    { namespace: "shop", denied: 2, audited: 2, workloads: 5 },
    { namespace: "pay", denied: 1, audited: 2, workloads: 3 },
  ]);
});

test("a new admission appears by itself within a second, and the reader's place is kept", async () => {
  const page = await openAs(viewers.everything, "ui/admissions?workload=fresh-");
  await page.getByRole("button", { name: "Pause updates" }).waitFor();
  for (const name of ["fresh-1", "fresh-2", "fresh-3"]) {
    const posted = Date.now();
    await stage.admit({ namespace: "shop", workload: name, image: web });
    await page.getByRole("cell", { name: `Deployment/${name}` }).waitFor({ timeout: 5_000 });
    expect(Date.now() - posted).toBeLessThan(1_000);
    await page.waitForTimeout(800);
  }
  expect(await page.locator("#news").innerText()).toMatch(/^The page was updated at /);
  await page.getByRole("link", { name: web }).last().focus();
  await stage.admit({ namespace: "shop", workload: "fresh-4", image: web });
  await page.getByRole("cell", { name: "Deployment/fresh-4" }).waitFor();
  expect(await page.evaluate("document.activeElement.textContent")).toBe(web);
  await page.getByRole("button", { name: "Pause updates" }).click();
  await stage.admit({ namespace: "shop", workload: "fresh-5", image: web });
  await page.waitForTimeout(1_500);
  expect(await page.getByRole("cell", { name: "Deployment/fresh-5" }).count()).toBe(0);
  await page.getByRole("button", { name: "Resume updates" }).click();
  await page.getByRole("cell", { name: "Deployment/fresh-5" }).waitFor();
});

test("whoever may see one namespace finds nothing of another, on no page and in no export", async () => {
  const page = await openAs(viewers.shop, "ui/now");
  expect(await page.locator(".tile").allInnerTexts()).toEqual([
    "2\ndenied",
    "2\naudited",
    "1\nadmitted",
    "5\nworkloads in all",
  ]);
  const other = /pay|ledger|legacy|CVE-2026-2000|20001|batch|bob@|team-pay|SEC-/;
  const everywhere = [
    ...paths,
    "ui/now?namespace=pay",
    "ui/now?cve=CVE-2026-20001",
    "ui/admissions?namespace=pay",
    "ui/admissions?image=ledger",
    "ui/admissions?cve=CVE-2026-20001",
    image("registry.example/pay/ledger:7"),
  ];
  const tables = ["namespaces", "rules", "cves", "workloads", "admissions", "exemptions", "sources", "state"];
  const headers = { "x-gatehouse-token": stage.token(viewers.shop) };
  for (const path of everywhere) {
    const asked = new URL(path, stage.url).search + decodeURIComponent(path);
    await page.goto(path);
    // What was asked for is repeated in filters, addresses and the like; nothing may be added to it.
    const text = (await page.locator("main").innerText()).split("\n");
    expect([
      path,
      text.filter(
        (line) => other.test(line) && !asked.includes(line.trim()) && !/^Workloads of|^Skip/.test(line),
      ),
    ]).toEqual([path, []]);
    for (const table of tables)
      for (const format of ["csv", "json"]) {
        const join = path.includes("?") ? "&" : "?";
        const answer = await ask(stage.url, `/${path}${join}format=${format}&table=${table}`, { headers });
        if (answer.status === 200)
          expect([path, table, answer.text.match(other)]).toEqual([path, table, null]);
      }
  }
  const all = await openAs(viewers.everything, "ui/admissions?namespace=pay");
  const hidden = await all.locator("td.time a").first().getAttribute("href");
  const refused = await page.goto(`ui/${hidden ?? ""}`);
  expect(refused?.status()).toBe(404);
  expect((await page.goto(image("registry.example/pay/ledger:7")))?.status()).toBe(404);
});

test("a page of somebody with one namespace is not told of what happens in another", async () => {
  const page = await openAs(viewers.shop, "ui/admissions");
  await page.getByRole("button", { name: "Pause updates" }).waitFor();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await stage.admit({ namespace: "pay", workload: "quiet", image: web });
  await page.waitForTimeout(1_500);
  expect(asked).toEqual([]);
  await stage.admit({ namespace: "shop", workload: "loud", image: web });
  await page.getByRole("cell", { name: "Deployment/loud" }).waitFor();
});

test("markup in names, labels and messages shows as text", async () => {
  const page = await openAs(viewers.everything, "ui/admissions?workload=probe");
  let alerts = 0;
  page.on("dialog", (dialog) => {
    alerts++;
    void dialog.dismiss();
  });
  expect(await page.locator("main").innerText()).toContain(markup);
  await page.locator("td.time a").first().click();
  expect(await page.locator("main").innerText()).toContain(markup);
  await page.goto(image("registry.example/shop/hooks:dev"));
  expect(await page.locator("main").innerText()).toContain(markup);
  await page.goto(`ui/admissions?user=${encodeURIComponent(markup)}`);
  expect(await page.getByLabel("User").inputValue()).toBe(markup);
  await page.goto(`ui/now?cve=${encodeURIComponent(markup)}`);
  expect(await page.locator("main").innerText()).toContain(markup);
  expect(await page.locator("main img, main b").count()).toBe(0);
  expect(alerts).toBe(0);
});

test("axe finds nothing on any page, light and dark, wide and narrow", async () => {
  const require = createRequire(import.meta.url);
  const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
  for (const options of [{}, { dark: true }, { width: 380 }]) {
    const page = await open(options);
    await page.goto("ui/now");
    const found: unknown[] = [];
    const look = async (path: string) => {
      // From outside the page, as its own policy lets no script in.
      const results = await page.evaluate<{
        violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
      }>(`${axe};axe.run({resultTypes:["violations"]})`);
      for (const { id, nodes } of results.violations)
        found.push([
          path,
          options,
          id,
          nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`),
        ]);
    };
    await look("sign-in");
    await signIn(page, "wrong");
    await page.getByRole("alert").waitFor();
    await look("sign-in refused");
    await signIn(page, stage.token(viewers.everything));
    await page.getByRole("navigation", { name: "Pages", exact: true }).waitFor();
    const admission = await admissionOf(page);
    for (const path of [...paths, admission, "ui/admissions?user=nobody", image("none/such")]) {
      await page.goto(path);
      await look(path);
    }
    expect(found).toEqual([]);
  }
});

test("on a narrow screen every page fits, and each cell says what it is", async () => {
  const page = await openAs(viewers.everything, "ui/now", { width: 380 });
  for (const path of [...paths, await admissionOf(page)]) {
    await page.goto(path);
    expect([path, await page.evaluate("document.documentElement.scrollWidth")]).toEqual([path, 380]);
  }
  await page.goto("ui/admissions?user=alice");
  const [row] = await rows(page, /^Admissions/);
  expect(row).toContain("Deployment/web-canary");
  const label = "getComputedStyle(document.querySelectorAll('tbody td')[3], '::before').content";
  expect(await page.evaluate(label)).toContain("Workload");
  expect(await page.getByRole("columnheader", { name: "Workload" }).count()).toBe(1);
});

test("by keyboard alone: to the content, through the pages, into a table", async () => {
  const page = await openAs(viewers.everything, "ui/now");
  await page.goto("ui/now");
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("To the content");
  await page.keyboard.press("Enter");
  expect(await page.evaluate("document.activeElement.id")).toBe("content");
  expect(await page.locator("[aria-current=page]").innerText()).toBe("Now");
});

test("nothing is asked of anybody else, and the policy of the page stops what would be", async () => {
  const page = await openAs(viewers.everything, "ui/now");
  const asked = new Set<string>();
  const problems: string[] = [];
  page.on("request", (request) => asked.add(new URL(request.url()).origin));
  page.on("console", (message) => problems.push(message.text()));
  for (const path of paths) await page.goto(path);
  expect([...asked]).toEqual([stage.url]);
  expect(problems).toEqual([]);
  await page.evaluate(
    "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))",
  );
  expect(await page.evaluate("window.ran")).toBeUndefined();
});

test("10,000 admissions: pages are of a hundred rows and come quickly", async () => {
  const many = Array.from({ length: 10_000 }, (_, at) => ({
    namespace: at % 2 === 0 ? "shop" : "pay",
    workload: `mass-${at}`,
    image: web,
  }));
  await stage.admitAll(many);
  const headers = { "x-gatehouse-token": stage.token(viewers.everything) };
  await ask(stage.url, "/ui/admissions", { headers });
  const times: number[] = [];
  for (const path of [
    "/ui/admissions",
    "/ui/admissions?page=50",
    "/ui/admissions?image=web&user=kube",
    "/ui/now",
  ]) {
    const begun = performance.now();
    const { status, text } = await ask(stage.url, path, { headers });
    times.push(performance.now() - begun);
    expect(status).toBe(200);
    expect(text.length).toBeLessThan(200_000);
  }
  // Far above what it takes, far below what a page of 10,000 rows would.
  expect(Math.max(...times)).toBeLessThan(2_000);
  const page = await openAs(viewers.everything, "ui/admissions");
  expect(await rows(page, /^Admissions/)).toHaveLength(100);
  await page.getByRole("link", { name: "Next" }).click();
  expect(await page.getByText("Page 2 of 100").count()).toBe(1);
});
