/** The demo's phones in a real browser: the guided way by clicks, on the phones and on the real dashboard. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { DemoProcess } from "../e2e/demo-process.js";
import { launch } from "./browser.js";
import { examine, LOOKS, picture } from "./examine.js";

const PATIENCE_MS = 15_000;

let browser: Browser;
let demo: DemoProcess;
let address: string;
const ends: (() => Promise<void>)[] = [];
beforeAll(async () => {
  demo = await DemoProcess.start([], {}, (work) => ends.push(work));
  [browser] = await Promise.all([launch(), demo.prints(/All six steps hold/)]);
  address = (await demo.prints(/The phones: (\S+)/))[1] ?? "";
});
afterAll(async () => {
  await browser?.close();
  for (const end of ends) await end();
});

test("the guided way: token, 👍, silent mode off on the dashboard, an answer, the three commands", async () => {
  const page = await open();
  const hint = page.getByRole("status");
  await page.getByText("a simulation: no real WhatsApp").waitFor();
  await hint.getByText("1/5").waitFor();
  await hint.getByText(/As the stranger, Sam, send the token/).waitFor();
  await hint.getByRole("link", { name: "Put it into Sam’s phone" }).click();
  await page.getByRole("button", { name: "Send as Sam" }).click();

  const told = await hint.getByText(/On Olga's phone, .* press 👍 under/).textContent();
  const code = /New sender (\w{4})/.exec(told ?? "")?.[1];
  const sam = phone(page, "Sam");
  expect(await sam.getByText("pending").count()).toBe(1);
  expect(await sam.locator(".theirs").count()).toBe(0);
  expect(await sam.getByTitle("sent; no sign from the bot").count()).toBe(2);
  await phone(page, "Olga")
    .getByRole("button", { name: `React with 👍 to: 🔔 New sender ${code}` })
    .click();

  await hint.getByText(/silent mode is on/).waitFor();
  await sam.getByText("a buddy now").waitFor();
  const [dashboard] = await Promise.all([
    page.context().waitForEvent("page"),
    page.getByRole("link", { name: "Open the real dashboard" }).click(),
  ]);
  await dashboard.getByRole("button", { name: "Sign in" }).click();
  await dashboard.getByRole("link", { name: "Settings" }).click();
  await dashboard.getByRole("switch", { name: "Silent Mode", checked: true }).click();
  await dashboard.getByRole("switch", { name: "Silent Mode", checked: false }).waitFor();

  await hint.getByText(/As Sam, write anything/).waitFor();
  await hint.getByRole("link", { name: "Put it into Sam’s phone" }).click();
  await page.getByRole("button", { name: "Send as Sam" }).click();
  await sam
    .locator(".theirs")
    .getByText(/Hello Sam, I'm Kaf.*no real model/)
    .waitFor();
  await sam.getByTitle("read").first().waitFor();
  await hint.getByText("5/5").waitFor();
  expect(await hint.locator("code").allTextContents()).toEqual(["make run", "make install", "kafclaw whatsapp-setup"]);
  await picture(page, "demo");
  expect(demo.out).toMatch(/Sam → bot .*DEMO-/);
});

test("the phones can reply, react and take it back, send pictures, switch addresses and lose the connection", async () => {
  const page = await open();
  const alice = phone(page, "Alice");
  const [olga, bob] = [phone(page, "Olga"), phone(page, "Bob")];
  await write(olga, "/silent off");
  await olga
    .getByText(/Silent mode is off/)
    .last()
    .waitFor();

  await alice
    .getByRole("link", { name: /^Reply to: Hello Alice/ })
    .first()
    .click();
  await alice
    .getByText("Reply to")
    .getByText(/Hello Alice/)
    .waitFor();
  await write(alice, "Is that so?");
  await alice
    .locator(".mine blockquote")
    .getByText(/Hello Alice/)
    .waitFor();
  await alice.getByText(/Good question, Alice/).waitFor();

  const up = alice.getByRole("button", { name: /^React with 👍 to: Good question/ });
  await up.click();
  await alice.locator(".reactions").getByText("👍").waitFor();
  await up.click();
  await alice.locator(".reactions").waitFor({ state: "detached" });

  await alice.getByRole("button", { name: "Send a picture as Alice" }).click();
  await alice.getByRole("img", { name: /drawn picture of a tulip/ }).waitFor();
  await alice.getByText(/A picture! Thank you, Alice/).waitFor();

  await bob.getByRole("button", { name: "number" }).click();
  await bob.locator('button[value="pn"][aria-pressed="true"]').waitFor();
  await write(bob, "By my number now, am I still known?");
  await bob.getByText(/Good question, Bob/).waitFor();

  await page.getByRole("button", { name: "Take the gateway’s connection away" }).click();
  await page.getByText("Gateway: no connection").waitFor();
  await write(bob, "Anybody there at all?");
  await bob.getByText("Anybody there at all?").waitFor();
  await page.getByRole("button", { name: "Give the connection back" }).click();
  await page.getByText("Gateway: connected").waitFor({ timeout: 40_000 });
  await bob.locator(".mine").last().getByTitle("read").waitFor({ timeout: 40_000 });
});

test("Enter sends what was typed, and no picture; of nothing but spaces it says so", async () => {
  const page = await open();
  const sam = phone(page, "Sam");
  const pictures = await sam.getByRole("img", { name: /drawn picture/ }).count();
  await sam.getByRole("textbox").fill("sent by Enter");
  await sam.getByRole("textbox").press("Enter");
  await sam.locator(".mine").last().getByText("sent by Enter").waitFor();
  await sam.getByRole("textbox").fill("   ");
  await sam.getByRole("textbox").press("Enter");
  await page.getByRole("alert").getByText("Write something first.").waitFor();
  expect(await sam.getByRole("img", { name: /drawn picture/ }).count()).toBe(pictures);
});

test("a change elsewhere leaves half-typed text and the chosen reply alone", async () => {
  const page = await open();
  const [olga, bob] = [phone(page, "Olga"), phone(page, "Bob")];
  await bob
    .getByRole("link", { name: /^Reply to: Hello Bob/ })
    .first()
    .click();
  await bob.getByRole("textbox").fill("half a sent");
  await write(olga, "/status");
  await olga
    .getByText(/Responder: model demo-script/)
    .last()
    .waitFor();
  expect(await bob.getByRole("textbox").inputValue()).toBe("half a sent");
  expect(await bob.getByText("Reply to").isVisible()).toBe(true);
  await bob.getByRole("textbox").press("Escape");
  expect(await bob.getByText("Reply to").isVisible()).toBe(false);
});

test("without JavaScript every form and link works", async () => {
  const page = await open({ javaScriptEnabled: false });
  const olga = phone(page, "Olga");
  await olga
    .getByRole("link", { name: /^Reply to:/ })
    .last()
    .click();
  await olga.getByText("Reply to").waitFor();
  await write(olga, "/help silent");
  await olga.locator(".mine blockquote").last().waitFor();
  await page.getByRole("button", { name: "Take the gateway’s connection away" }).click();
  await page.getByRole("button", { name: "Give the connection back" }).click();
  await page.getByRole("button", { name: "Take the gateway’s connection away" }).waitFor();
});

test("axe finds nothing serious, in both themes, at desktop and phone width", async () => {
  const page = await open();
  const problems: string[] = [];
  for (const { name, colorScheme, viewport } of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    problems.push(...(await examine(page, `phones ${name}`)));
  }
  expect(problems).toEqual([]);
});

test("no other web page can drive it: foreign names, foreign origins and guessed addresses get nothing", async () => {
  const { origin, pathname } = new URL(address);
  const say = { method: "POST", body: new URLSearchParams({ phone: "olga", text: "/approve all" }) };
  const foreign = await fetch(`${address}say`, { ...say, headers: { origin: "https://evil.example" } });
  expect(foreign.status).toBe(403);
  for (const path of ["/", "/say", `${pathname.slice(0, -3)}/`]) {
    expect((await fetch(origin + path, path === "/say" ? say : {})).status).toBe(404);
  }
  expect(await statusUnder("evil.example")).toBe(421);
  const page = await fetch(address);
  expect(page.headers.get("content-security-policy")).toMatch(/script-src 'self';.*frame-ancestors 'none'/);
  expect(await page.text()).not.toMatch(/<script>|onclick|style=/);
  expect((await fetch(`${address}say`, { ...say, body: new URLSearchParams({ phone: "nobody" }) })).status).toBe(400);
  expect(demo.out).not.toContain("/approve all");
});

test("Ctrl-C ends it with 0 and leaves nothing; the page says so", async () => {
  const page = await open();
  demo.child.kill("SIGINT");
  expect(await demo.ended).toBe(0);
  expect(await demo.leftovers()).toEqual([]);
  expect(await demo.processes()).toEqual([]);
  await write(phone(page, "Sam"), "still there?");
  await page
    .getByRole("alert")
    .getByText(/The demo does not answer any more/)
    .waitFor();
});

/** What a page gets whose own name was made to point here (DNS rebinding). */
async function statusUnder(host: string): Promise<number | undefined> {
  const [response] = (await once(request(address, { headers: { host } }).end(), "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 820 }, ...options });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  // A refused script or a broken page must not go unnoticed.
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(address);
  return page;
}

function phone(page: Page, name: string) {
  return page.getByRole("region", { name: `${name}’s phone`, exact: true });
}

/** Types on somebody's phone and sends it. */
async function write(handset: ReturnType<typeof phone>, text: string): Promise<void> {
  await handset.getByRole("textbox").fill(text);
  await handset.getByRole("button", { name: /^Send as/ }).click();
}
