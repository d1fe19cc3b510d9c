/** Looks at a page as a picky visitor does: axe, the width, and a picture for people to look at. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const require = createRequire(import.meta.url);
const AXE = require.resolve("axe-core/axe.min.js");
/** Where to put pictures of all pages for people to look at; none without it. */
const { KAFCLAW_TEST_PICTURES: PICTURES } = process.env;

/** Both themes, at a desktop's and a phone's width. */
export const LOOKS = [
  { name: "light-desktop", colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { name: "dark-desktop", colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  { name: "light-phone", colorScheme: "light", viewport: { width: 390, height: 844 } },
  { name: "dark-phone", colorScheme: "dark", viewport: { width: 390, height: 844 } },
] as const;

/** What axe, and the width of the page, have against it. */
export async function examine(page: Page, name: string): Promise<string[]> {
  if (PICTURES !== undefined)
    await page.screenshot({ path: `${PICTURES}/${name.replace(" ", "-")}.png`, fullPage: true });
  const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");
  // The browser's debugger may add what the page's own policy forbids the page.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: await readFile(AXE, "utf8") });
  const { result } = await session.send("Runtime.evaluate", {
    expression: `axe.run().then(({ violations }) => JSON.stringify(violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => id + ": " + nodes.map(({ html, any }) => html.slice(0, 150) + " " + (any[0]?.message ?? "")).slice(0, 3).join(" | "))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  const found = JSON.parse(result.value) as string[];
  return [...found, ...(overflow > 0 ? [`is ${overflow} px wider than the window`] : [])].map(
    (text) => `${name}: ${text}`,
  );
}

/** A picture of what the window shows, where pictures are wanted. */
export async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${name}.png` });
}
