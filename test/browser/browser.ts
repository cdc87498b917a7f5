/** Headless Chromium as Debian packages it. */
import { existsSync } from "node:fs";
import { chromium, type Browser, type BrowserContext } from "playwright-core";

/** Where distributions put it. CHROMIUM in the environment names another. */
const usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts it. Nothing of it asks the network by itself. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"] ?? usual.find((path) => existsSync(path));
  if (executablePath === undefined)
    throw new Error("Chromium is not installed: apt-get install -y chromium, or name it with CHROMIUM");
  return await chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A fresh window: no cookie, light or dark. */
export async function openWindow(
  browser: Browser,
  url: string,
  options: { dark?: boolean; javaScript?: boolean; width?: number } = {},
): Promise<BrowserContext> {
  const window = await browser.newContext({
    baseURL: url,
    ignoreHTTPSErrors: true,
    colorScheme: options.dark === true ? "dark" : "light",
    javaScriptEnabled: options.javaScript ?? true,
    viewport: { width: options.width ?? 1360, height: 900 },
  });
  window.setDefaultTimeout(10_000);
  return window;
}
