import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, it, onTestFinished } from "vitest";
import { parseConfig } from "../../src/config.js";
import { openHouse } from "../../src/gateway.js";
import { openHome } from "../../src/home.js";
import { WhatsApp } from "../../src/simulator/index.js";

async function setUp() {
  const wa = await WhatsApp.start();
  const path = await mkdtemp(join(tmpdir(), "kafclaw-link-"));
  const home = await openHome(path);
  const { config } = parseConfig("{}", { KAFCLAW_WHATSAPP_URL: wa.url, KAFCLAW_WHATSAPP_ROOT_KEY: wa.rootKeyHex });
  const log = pino({ level: process.env.LOG ?? "silent" });
  const house = await openHouse({ home, config, version: "test", log });
  onTestFinished(async () => {
    await house.close();
    await wa.close();
    await rm(path, { recursive: true, force: true });
  });
  return { wa, house };
}

it("links by QR, hears the owner and answers", async () => {
  const { wa, house } = await setUp();
  const bot = wa.phone({ pn: "15550009000", lid: "9001", name: "Bot" });
  const owner = wa.phone({ pn: "15550001000", lid: "1001", name: "Olga" });
  await house.access.setOwner(
    { setup: "own-number", person: { pn: owner.pnJid as never }, confirmed: true },
    { door: "cli", who: "test" },
  );
  const qr = new Promise<string>((resolve) =>
    house.link.on("event", (event) => event.event === "qr" && resolve(event.data)),
  );
  const open = new Promise<void>((resolve) => house.link.once("open", resolve));
  await house.start();
  await bot.scan(await qr);
  await open;
  await owner.send(bot, "/status");
  const answer = await owner.next();
  expect(answer.text).toContain("ilent");
  console.log(answer.text);
}, 15000);
