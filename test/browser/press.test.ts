/** What a hand does on the pages: where the eye looks after a press, second clicks, the keyboard, and a gateway that is gone. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Phone } from "../../src/simulator/index.js";
import { TOKEN, World } from "../e2e/world.js";
import { launch, signedIn } from "./browser.js";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const SETTING = { setup: "own-number", addressing: "pn" } as const;
/** How long a button rests (kafclaw.js), and long enough for all to be let go. */
const REST_MS = 600;
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
  await stopClock(page);
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
  await stopClock(page);
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

test("somebody pending who goes on writing keeps no button from waking up", async () => {
  const world = await World.linked(SETTING);
  const [, bea] = await knock(world, ["Ada", "Bea"]);
  if (!bea) throw new Error("Bea did not knock");
  const page = await signedIn(browser, world.home);
  await stopClock(page);
  await page.goto("/whatsapp");
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: /^Deny Ada/ }).click()]);
  const approve = page.locator("[aria-label^='Approve Bea'][aria-disabled=true]");
  await approve.waitFor();
  for (const text of ["are you there?", "hello?"]) {
    await page.clock.runFor(REST_MS / 2);
    await world.say(bea, text);
    await page.getByText(text).waitFor();
  }
  await approve.waitFor({ state: "detached" });
});

test("focus whose button went is on the heading, and on nobody else's button", async () => {
  const world = await World.linked(SETTING);
  await knock(world, ["Ada", "Bea", "Cy"]);
  const page = await signedIn(browser, world.home);
  await page.goto("/whatsapp");
  await page.getByRole("button", { name: /^Approve Ada/ }).focus();
  await world.home.run(["deny", "Ada"]);
  await page.getByRole("link", { name: "Ada", exact: true }).waitFor({ state: "detached" });
  expect(await focused(page)).toBe("H1 WhatsApp");

  await page.getByRole("button", { name: /^Undo: Ada/ }).focus();
  await world.home.run(["approve", "Bea"]);
  await page.getByRole("button", { name: /^Undo: Bea/ }).waitFor();
  expect(await focused(page)).toBe("H1 WhatsApp");

  await page.goto("/");
  await page.getByRole("button", { name: /^Deny Cy/ }).focus();
  await world.home.run(["deny", "Cy"]);
  await page.getByText("Nobody is pending.").waitFor();
  expect(await focused(page)).toBe("H2 Waiting for you");
});

test("who comes to the list is announced to those who don't see it grow", async () => {
  const world = await World.linked(SETTING);
  const page = await signedIn(browser, world.home);
  await page.goto("/whatsapp");
  await knock(world, ["Ada"]);
  await page.locator("[aria-live=polite]").getByText("New in the list: Ada").waitFor();
});

test("on a small phone the menu stands in one line, with a badge too", async () => {
  const world = await World.linked(SETTING);
  await knock(world, ["Ada"]);
  const page = await signedIn(browser, world.home, { viewport: { width: 360, height: 740 } });
  await page.goto("/whatsapp");
  await page.locator(".badge").waitFor();
  const places = await page.evaluate<number[]>(`(() => {
    const links = [...document.querySelectorAll(".top nav a")].map((link) => link.getBoundingClientRect());
    return [new Set(links.map(({ bottom }) => Math.round(bottom))).size, Math.max(...links.map(({ right }) => right))];
  })()`);
  expect(places[0]).toBe(1);
  expect(places[1]).toBeLessThanOrEqual(360);
  // On the smallest it takes a second line rather than hide an entry behind the edge.
  await page.setViewportSize({ width: 320, height: 568 });
  const hidden = await page.evaluate<number>(
    `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector(".top nav"))`,
  );
  expect(hidden).toBe(0);
});

test("what the keyboard is on is to be seen, on every kind of button", async () => {
  const world = await World.linked(SETTING);
  await knock(world, ["Ada"]);
  await world.home.run(["token", "rotate"]);
  const page = await signedIn(browser, world.home);
  // Without its transitions the page is at once as it looks.
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const path of ["/", "/whatsapp", "/settings"]) {
    await page.goto(path);
    const seen = new Set<string>();
    for (let name = ""; !seen.has(name); name = await focused(page)) {
      seen.add(name);
      await page.keyboard.press("Tab");
      expect(await page.evaluate<boolean>(SHOWS_FOCUS), await focused(page)).toBe(true);
    }
    expect(seen.size).toBeGreaterThan(5);
  }
});

test("an open page says that the gateway is gone, and no more when it is back", async () => {
  const world = await World.linked(SETTING);
  const page = await signedIn(browser, world.home);
  await page.goto("/whatsapp");
  await page.context().setOffline(true);
  await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
  const away = page.getByRole("alert").getByText(/^The gateway doesn’t answer; this page is as of \d\d:\d\d\.$/);
  await away.waitFor();
  await page.context().setOffline(false);
  await away.waitFor({ state: "detached" });
  await world.home.stop();
  await away.waitFor();
});

/** Whether the focused element differs from an unfocused one by outline or shadow. */
const SHOWS_FOCUS = `(() => {
  const active = document.activeElement;
  if (active === document.body) return true;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(active);
  return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || /[1-9]\\d*px/.test(boxShadow);
})()`;

/** The tag and the words of what has the focus. */
async function focused(page: Page): Promise<string> {
  return await page.evaluate<string>(`(({ tagName, textContent, id, href, ariaLabel }) =>
    tagName + " " + (ariaLabel ?? (textContent.trim() || id || href)))(document.activeElement)`);
}

/** Strangers send the token, one after the other. */
async function knock(world: World, names: readonly string[]): Promise<Phone[]> {
  const phones: Phone[] = [];
  for (const name of names) {
    const pn = `1555000${[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 3000)}`;
    const phone = world.wa.phone({ pn, name });
    phones.push(phone);
    await world.say(phone, TOKEN);
    await world.told(new RegExp(name));
  }
  return phones;
}

/** The names of those who are approved. */
async function approved(world: World): Promise<string[]> {
  const { out } = await world.home.run(["list", "approved", "--json"]);
  return [...out.matchAll(/"name":\s*"(\w+)"/g)].map(([, name = ""]) => name);
}

/** From here on nothing wakes up by itself on the page. */
async function stopClock(page: Page): Promise<void> {
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + HELD_MS);
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
