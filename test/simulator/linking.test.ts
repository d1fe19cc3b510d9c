import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Phone, WhatsApp } from "../../src/simulator/index.js";
import { Client, trust } from "./client.js";

let wa: WhatsApp;
let bot: Phone;
let client: Client;
let restore: () => void;

beforeEach(async () => {
  wa = await WhatsApp.start();
  restore = trust(Buffer.from(wa.rootKeyHex, "hex"));
  bot = wa.phone({ pn: "15550009000", lid: "1000000009", name: "Bot" });
  client = new Client(wa);
});

afterEach(async () => {
  client.close();
  await wa.close();
  restore();
  expect(wa.troubles).toEqual([]);
});

async function logIn(): Promise<void> {
  expect(await client.closed()).toBe(515);
  client.connect();
  await client.state(({ connection }) => connection === "open");
  await wa.waitForCompanion("open");
}

describe("linking", () => {
  it("links a companion whose QR code a phone scans, and lets it in", async () => {
    client.connect();
    const linked = await bot.scan(await client.qr());
    await logIn();
    expect(linked.jid).toBe("15550009000:1@s.whatsapp.net");
    expect(client.creds.me?.id).toBe("15550009000:1@s.whatsapp.net");
    expect(client.creds.me?.lid).toBe("1000000009:1@lid");
    expect(client.creds.platform).toBe("android");
  });
});
