/** Makes docs/images/*.png anew: `node test/browser/screenshots.ts [FOLDER]`. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { root } from "../steps.ts";
import { openBrowser, openWindow } from "./browser.ts";
import { recentAdmissions } from "./stage-world.ts";
import { openStage, viewers } from "./stage.ts";

const shots = [
  ["now", "ui/now"],
  ["admissions", "ui/admissions"],
  ["image", "ui/image?reference=registry.example%2Fshop%2Fweb%3A4.2"],
  ["exemptions", "ui/exemptions"],
  ["health", "ui/health"],
] as const;

const folder = resolve(process.argv[2] ?? join(root, "docs/images"));
await mkdir(folder, { recursive: true });
const stage = await openStage();
const browser = await openBrowser();
try {
  await stage.admitAll(recentAdmissions().filter(({ user }) => user === undefined || user.includes("@")));
  for (const dark of [false, true]) {
    const window = await openWindow(browser, stage.url, { dark });
    const page = await window.newPage();
    const suffix = dark ? "-dark" : "";
    await page.goto("ui/signin");
    if (!dark)
      await page.screenshot({
        path: join(folder, "dashboard-signin.png"),
        clip: { x: 0, y: 0, width: 1360, height: 520 },
      });
    await page.getByLabel(/Token/).fill(stage.token(viewers.everything));
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/ui/now");
    for (const [name, path] of shots) {
      if (dark && name !== "now" && name !== "image") continue;
      await page.goto(path);
      const file = join(folder, `dashboard-${name}${suffix}.png`);
      await page.screenshot({ path: file, fullPage: true });
      console.log(file);
    }
    await window.close();
  }
} finally {
  await browser.close();
  await stage.stop();
}
