/** A real browser for the tests, made ready by unpack.ts. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { inject, onTestFinished } from "vitest";
import type { TestHome } from "../e2e/gateway-process.js";

/** The package's own arguments switch the same-origin policy off, which is what is tested here. */
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
/** Enough for a page on a busy machine. */
const PATIENCE_MS = 10_000;

/** Launches the browser; close it when the tests are done. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: inject("browser"), args: ARGS });
}

/** A signed-in browser window of its own. */
export async function signedIn(browser: Browser, home: TestHome, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await newPage(browser, home, options);
  await page.goto(await loginLink(home));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  return page;
}

/** A window that is not signed in. */
export async function newPage(browser: Browser, home: TestHome, options: BrowserContextOptions = {}): Promise<Page> {
  const { address } = await home.api();
  const context = await browser.newContext({ baseURL: address, ...options });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  // A refused script or a broken page must not go unnoticed.
  page.on("pageerror", (error) => {
    throw error;
  });
  return page;
}

/** What `kafclaw dashboard` prints. */
export async function loginLink(home: TestHome): Promise<string> {
  const { out, err } = await home.run(["dashboard"]);
  const link = /https?:\S+/.exec(out)?.[0];
  if (link === undefined) throw new Error(`no link in ${out}${err}`);
  return link;
}
