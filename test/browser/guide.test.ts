/** Steps 5 and 6 of the guide in a real browser, with JavaScript and without, before a gateway as its own process. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Phone } from "../../src/simulator/index.js";
import { TOKEN, World } from "../e2e/world.js";
import { launch, signedIn } from "./browser.js";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const GREETING = /You're in/;

describe.each([
  { how: "with JavaScript", javaScriptEnabled: true },
  { how: "without JavaScript", javaScriptEnabled: false },
])("the guide, $how", ({ javaScriptEnabled }) => {
  test("step 5: WhatsApp, find the pending message, Approve; step 6: Settings, Silent Mode off; the bot speaks, and on again, and is silent", async () => {
    const world = await World.linked({ setup: "own-number", addressing: "pn" });
    const page = await signedIn(browser, world.home, { javaScriptEnabled });
    await page.getByRole("link", { name: "WhatsApp", exact: false }).first().click();
    await page.getByText("Whoever sends your pairing token").waitFor();

    await world.say(world.alice, TOKEN);
    await world.told(/New sender/);
    if (!javaScriptEnabled) await page.reload();
    await entry(page, "Alice").waitFor();
    expect(await entry(page, "Alice").textContent()).toContain("+1 555 000 2000");

    await page.getByRole("button", { name: /^Approve Alice/ }).click();
    await page.getByRole("status").getByText("Approved Alice").waitFor();
    await page
      .getByText("Nobody is pending. /missed shows strangers who wrote without the token.")
      .or(page.getByText("Whoever sends your pairing token"))
      .waitFor();
    const { id } = await world.say(world.alice, "are you there?");
    await world.given([id]);
    expect(world.leaks(world.alice)).toEqual([]);

    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByRole("switch", { name: "Silent Mode", checked: true }).click();
    await page.getByRole("switch", { name: "Silent Mode", checked: false }).waitFor();
    const bea = await approve(page, world, "Bea", "15550002222");
    expect((await bea.next(({ text }) => GREETING.test(text))).text).toMatch(GREETING);

    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByRole("switch", { name: "Silent Mode", checked: false }).click();
    await page.getByRole("switch", { name: "Silent Mode", checked: true }).waitFor();
    const cy = await approve(page, world, "Cy", "15550003333");
    await world.settled();
    expect(world.leaks(cy)).toEqual([]);
    await page.goto("/activity?show=sent&only=suppressed");
    expect(await page.getByText("held back by silent mode").count()).toBe(2);
  });
});

test("an undo on the page takes the approval back, and says so", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "pn" });
  const page = await signedIn(browser, world.home);
  await world.aliceKnocks();
  await page.goto("/whatsapp");
  await page.getByRole("button", { name: /^Approve Alice/ }).click();
  await page.getByRole("button", { name: /^Undo: Alice/ }).click();
  await page.getByRole("status").getByText("Undone: Alice").waitFor();
  await entry(page, "Alice").waitFor();
});

test("two browsers decide on one sender at once: one wins, the other is told", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "pn" });
  const pages = [
    await signedIn(browser, world.home, { javaScriptEnabled: false }),
    await signedIn(browser, world.home, { javaScriptEnabled: false }),
  ] as const;
  await world.aliceKnocks();
  for (const page of pages) await page.goto("/whatsapp");
  await Promise.all([
    pages[0].getByRole("button", { name: /^Approve Alice/ }).click(),
    pages[1].getByRole("button", { name: /^Deny Alice/ }).click(),
  ]);
  const said = await Promise.all(pages.map((page) => page.locator(".said").textContent()));
  expect(said.filter((text) => text?.startsWith("Done."))).toHaveLength(1);
  const loser = said.find((text) => text?.startsWith("Not done."));
  expect(loser).toMatch(/on the dashboard|Alice \(\w{4}\) is denied/);
});

test("I9: names that are HTML stay text", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "pn" });
  const page = await signedIn(browser, world.home);
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  const names = ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "{{csrf}}"];
  for (const [index, name] of names.entries()) {
    await world.say(world.wa.phone({ pn: `1555000400${index}`, name }), TOKEN);
    await world.told(/New sender/);
  }
  await page.goto("/whatsapp");
  for (const name of names) await page.getByRole("link", { name, exact: true }).waitFor();
  await page.goto("/activity");
  for (const name of names) await page.getByRole("link", { name, exact: true }).waitFor();
  expect(await page.locator("main script, main img").count()).toBe(0);
  expect(dialogs).toEqual([]);
});

test("I9: a name that is written from right to left turns no number around", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "pn" });
  const page = await signedIn(browser, world.home);
  await world.say(world.wa.phone({ pn: "15550004000", name: "שלום" }), TOKEN);
  await world.told(/New sender/);
  await page.goto("/activity?show=messages&only=pending");
  await page.getByText("+1 555 000 4000").waitFor();
  const places = await page.evaluate<number[]>(`(() => {
    const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (texts.nextNode() && !texts.currentNode.data.includes("+1 555"));
    return ["+1", "555", "000", "4000"].map((part) => {
      const range = document.createRange();
      range.setStart(texts.currentNode, texts.currentNode.data.indexOf(part));
      range.setEnd(texts.currentNode, range.startOffset + part.length);
      return range.getBoundingClientRect().left;
    });
  })()`);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});

test("a change on the open page takes no focus, no scroll place and no half-typed text", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "pn" });
  const page = await signedIn(browser, world.home, { viewport: { width: 390, height: 400 } });
  await page.goto("/whatsapp");
  await world.aliceKnocks();
  await entry(page, "Alice").waitFor();
  await page.getByLabel("Phone number with country code").fill("+1 555 00");
  const before = await page.evaluate<number>("scrollY");
  expect(before).toBeGreaterThan(0);

  await world.say(world.mallory, TOKEN);
  await entry(page, "Mallory").waitFor();
  expect(await page.getByLabel("Phone number with country code").inputValue()).toBe("+1 555 00");
  expect(await page.evaluate<string>("document.activeElement.id")).toBe("number");

  await page.getByRole("button", { name: /^Deny Alice/ }).focus();
  await world.home.run(["approve", "Mallory"]);
  await entry(page, "Mallory").waitFor({ state: "detached" });
  expect(await page.evaluate<string>("document.activeElement.getAttribute('aria-label')")).toMatch(/^Deny Alice/);

  await world.order("/silent off");
  await page.goto("/");
  await page.getByRole("switch", { name: "Silent Mode", checked: false }).focus();
  await world.order("/silent on");
  await page.getByRole("switch", { name: "Silent Mode", checked: true }).waitFor();
  expect(await page.evaluate<string>("document.activeElement.getAttribute('aria-checked')")).toBe("true");

  await page.goto("/settings");
  await page.getByRole("button", { name: "Pause", exact: true }).focus();
  await world.home.run(["pause"]);
  await page.getByRole("button", { name: "Resume", exact: true }).waitFor();
  expect(await page.evaluate<string>("document.activeElement.value")).toBe("resume");
});

test("the open page of the link follows the link; what was opened or typed there stays", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "pn" });
  const page = await signedIn(browser, world.home);
  await page.goto("/link");
  await page.getByText("Link another account, or unlink").click();
  await world.aliceKnocks();
  await page.locator(".badge").waitFor();
  const unlink = page.getByRole("button", { name: "Unlink this device" });
  await unlink.waitFor();

  const other = await page.context().newPage();
  await other.goto("/link");
  await other.getByText("Link another account, or unlink").click();
  await other.getByRole("button", { name: "Unlink this device" }).click();
  await page.getByLabel(/The bot’s number/).fill("+1 555 00");
  await other.getByRole("button", { name: "Begin to link" }).click();
  await page.getByRole("button", { name: "Stop linking" }).waitFor();
  await unlink.waitFor({ state: "detached" });
  expect(await page.getByLabel(/The bot’s number/).inputValue()).toBe("+1 555 00");
});

test("a restart ends the session with a clear message, and a sign-out for good", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "pn" }, { KAFCLAW_DASHBOARD_PORT: "0" });
  const page = await signedIn(browser, world.home);
  const tab = await page.context().newPage();
  await tab.goto("/settings");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  await tab.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.goto("/settings");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();

  const again = await signedIn(browser, world.home);
  const cookies = await again.context().cookies();
  const { address } = await world.home.api();
  // An open page would go to the sign-in by itself.
  await again.goto("about:blank");
  await world.home.stop();
  await world.home.start({ KAFCLAW_DASHBOARD_PORT: new URL(address).port });
  await again.context().addCookies(cookies);
  await again.goto(`${address}/whatsapp`);
  await again.getByText("Your session has ended").waitFor();
});

test("who signs out is told so, though the open page learns first that its session is over", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "pn" });
  const page = await signedIn(browser, world.home);
  const looked = page.waitForResponse(
    (response) => response.request().headers()["x-live"] === "1" && response.url().includes("/sign-in"),
  );
  await page.route("**/sign-out", async (route) => {
    const response = await route.fetch({ maxRedirects: 0 });
    await looked;
    await route.fulfill({ response });
  });
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
});

/** Somebody's entry in the list of people. */
function entry(page: Page, name: string) {
  return page.locator(".person", { has: page.getByRole("link", { name, exact: true }) });
}

/** A new sender knocks and is approved on the page. */
async function approve(page: Page, world: World, name: string, pn: string): Promise<Phone> {
  const phone = world.wa.phone({ pn, name });
  await world.say(phone, TOKEN);
  await world.told(new RegExp(name));
  await page.goto("/whatsapp");
  await page.getByRole("button", { name: new RegExp(`^Approve ${name}`) }).click();
  await page.getByRole("status").getByText(`Approved ${name}`).waitFor();
  return phone;
}

test("an open page follows a restart to the sign-in, and never shows a silent mode that is over", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "lid" });
  const page = await signedIn(browser, world.home);
  await world.home.run(["silent", "off"]);
  await page.getByText("Silent mode is off").first().waitFor();
  const { port } = new URL((await world.home.api()).address);
  await world.home.stop();
  await world.home.startLinked({ KAFCLAW_DASHBOARD_PORT: port });
  await page.waitForURL(/sign-in\?said=ended/);
  await page.getByText("Your session has ended").waitFor();
});

test("tabs that nobody looks at hold no connection, so that any number can be open; looked at again, they are fresh", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "lid" });
  const first = await signedIn(browser, world.home);
  const look = (page: Page, state: string): Promise<void> =>
    page.evaluate(`
      Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    `);
  await look(first, "hidden");
  for (let count = 2; count <= 8; count++) {
    const tab = await first.context().newPage();
    await tab.goto("/whatsapp");
    await look(tab, "hidden");
  }
  await world.home.run(["silent", "off"]);
  await look(first, "visible");
  await first.getByText("Silent mode is off").first().waitFor();
});
