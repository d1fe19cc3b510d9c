/** What a hand does on the pages: where the eye looks after a press, second clicks, the keyboard, and a gateway that is gone. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TOKEN, World } from "../e2e/world.js";
import { launch, signedIn } from "./browser.js";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const SETTING = { setup: "own-number", addressing: "pn" } as const;
/** Long enough for buttons that were held to be let go. */
const HELD_MS = 2_000;

test("what was done on Settings is told where one looks, also after a link that led into the page", async () => {
  const world = await World.linked(SETTING);
  const page = await signedIn(browser, world.home, { viewport: { width: 1280, height: 600 } });
  for (const path of ["/settings", "/settings#token", "/settings#invites"]) {
    await page.goto(path);
    await page.getByRole("button", { name: "Reveal" }).click();
    await page.getByText(TOKEN).waitFor();
    expect(await isInView(page, ".said"), path).toBe(true);
  }
});

test("a second click that comes when the page has moved on presses nothing that stands there now", async () => {
  const world = await World.linked(SETTING);
  await knock(world, ["Ada", "Bea", "Cy"]);
  const page = await signedIn(browser, world.home);
  await page.clock.install();
  await page.goto("/whatsapp");
  const approve = page.getByRole("button", { name: /^Approve (Ada|Bea|Cy)/ });
  await Promise.all([page.waitForEvent("load"), approve.first().click()]);
  await page.getByRole("status").getByText("Approved").waitFor();
  await pressAt(page, await placeOf(page, "button[value=approve]"));
  expect(await approved(world)).toHaveLength(1);
  await pressAt(page, await placeOf(page, ".undo button"));

  expect(await approved(world)).toHaveLength(1);
  await page.clock.runFor(HELD_MS);
  await approve.first().click();
  await page.getByText(/Last decision/).waitFor();
  expect(await approved(world)).toHaveLength(2);
});

test("what a change moved under the pointer is not pressed by a click that was meant for what stood there", async () => {
  const world = await World.linked(SETTING);
  await knock(world, ["Ada", "Bea", "Cy"]);
  const page = await signedIn(browser, world.home);
  await page.clock.install();
  await page.goto("/whatsapp");
  const [ada, bea] = [
    await placeOf(page, "[aria-label^='Approve Ada']"),
    await placeOf(page, "[aria-label^='Approve Bea']"),
  ];
  await world.home.run(["deny", "Ada"]);
  await page.getByRole("link", { name: "Ada", exact: true }).waitFor({ state: "detached" });
  await pressAt(page, ada);
  await pressAt(page, bea);
  expect(await approved(world)).toEqual([]);
  await page.clock.runFor(HELD_MS);
  await page.getByRole("button", { name: /^Approve Bea/ }).click();
  await page.getByRole("status").getByText("Approved Bea").waitFor();
});

/** Strangers send the token, one after the other. */
async function knock(world: World, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const pn = `1555000${[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 3000)}`;
    await world.say(world.wa.phone({ pn, name }), TOKEN);
    await world.told(new RegExp(name));
  }
}

/** The names of those who are approved. */
async function approved(world: World): Promise<string[]> {
  const { out } = await world.home.run(["list", "approved", "--json"]);
  return [...out.matchAll(/"name":\s*"(\w+)"/g)].map(([, name = ""]) => name);
}

async function isInView(page: Page, selector: string): Promise<boolean> {
  return await page.evaluate<boolean>(`(() => {
    const { top, bottom } = document.querySelector("${selector}").getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  })()`);
}

async function placeOf(page: Page, selector: string): Promise<{ x: number; y: number }> {
  const box = await page.locator(selector).first().boundingBox();
  if (box === null) throw new Error(`no ${selector}`);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** A press at a place, whatever stands there: unlike a locator's click it waits for nothing. */
async function pressAt(page: Page, { x, y }: { x: number; y: number }): Promise<void> {
  await page.mouse.click(x, y);
}
