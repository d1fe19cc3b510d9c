/** Every page, in both themes and at both widths, with people of every kind on it. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SETTINGS, TOKEN, World } from "../e2e/world.js";
import { launch, newPage, signedIn } from "./browser.js";
import { examine, LOOKS } from "./examine.js";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

test("axe finds nothing serious on any page, in both themes, at desktop and phone width", {
  timeout: 180_000,
}, async () => {
  const world = await peopled();
  const page = await signedIn(browser, world.home);
  const invite = await makeInvite(page);
  await page.goto("/whatsapp?list=approved");
  const person = await page.locator(".name").first().getAttribute("href");
  const pages = {
    overview: "/",
    "whatsapp-pending": "/whatsapp",
    "whatsapp-approved": "/whatsapp?list=approved",
    "whatsapp-denied": "/whatsapp?list=denied",
    person: person ?? "",
    settings: "/settings",
    invite,
    "activity-decisions": "/activity",
    "activity-messages": "/activity?show=messages",
    "activity-sent": "/activity?show=sent",
    link: "/link",
    "not-found": "/nowhere",
  };
  const problems: string[] = [];
  for (const { name: look, colorScheme, viewport } of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(path);
      problems.push(...(await examine(page, `${name} ${look}`)));
    }
    const outside = await newPage(browser, world.home, { colorScheme, viewport });
    await outside.goto("/sign-in");
    problems.push(...(await examine(outside, `sign-in ${look}`)));
  }
  expect(problems).toEqual([]);
});

test("the page for linking shows the live QR, and has nothing serious against it either", async () => {
  const world = await World.create(SETTINGS[0]);
  await world.setUp();
  await world.home.start();
  const page = await signedIn(browser, world.home);
  await page.goto("/link");
  await page.locator(".qr svg").waitFor();
  expect(await examine(page, "link-qr light-desktop")).toEqual([]);
  await world.scanQr();
  await page.getByText("Nothing to do here").waitFor();
});

async function makeInvite(page: Page): Promise<string> {
  await page.goto("/settings");
  await page.getByText("Make an invite").click();
  await page.getByLabel("For whom").fill("Bob");
  await page.getByRole("button", { name: "Make the invite" }).click();
  await page.getByRole("heading", { name: "Invite for Bob" }).waitFor();
  return new URL(page.url()).pathname;
}

/** A linked gateway with pending, approved, denied and unknown people, and something held back. */
async function peopled(): Promise<World> {
  const world = await World.linked({ setup: "own-number", addressing: "pn" });
  const { wa, home, alice, mallory } = world;
  const { code } = await world.aliceKnocks();
  await home.run(["approve", code]);
  await world.say(alice, "are you there?");
  await world.say(mallory, "hey you");
  const names = ["Bernadette Quarshie-Oppenheim", "陈伟", "<script>alert(1)</script>"];
  for (const [index, name] of names.entries()) {
    const phone = wa.phone({ pn: `1555000300${index}`, name });
    await world.say(phone, TOKEN);
    if (index === 0)
      await world.say(phone, "hello, it's me from the choir, may I ask the bot about Tuesday's rehearsal?");
    await world.told(/New sender/);
  }
  const denied = wa.phone({ pn: "15550004000", name: "Spammy".padEnd(64, "y") });
  await world.say(denied, TOKEN);
  await world.told(/Spammy/);
  await home.run(["deny", "Spammy"]);
  await world.settled();
  return world;
}
