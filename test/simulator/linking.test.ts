import { Curve } from "@whiskeysockets/baileys";
import { describe, expect, it } from "vitest";
import { Client, trust } from "./client.js";
import { link, logIn, useRig } from "./rig.js";

const rig = useRig();

describe("linking", () => {
  it("links a companion whose QR code a phone scans, and lets it in", async () => {
    const { bot, client } = rig;
    client.connect();
    const linked = await bot.scan(await client.qr());
    expect(await client.closed()).toBe(515);
    await logIn(rig);
    expect(linked.jid).toBe("15550009000:1@s.whatsapp.net");
    expect(client.creds.me?.id).toBe("15550009000:1@s.whatsapp.net");
    expect(client.creds.me?.lid).toBe("1000000009:1@lid");
    expect(client.creds.account).toBeDefined();
  });

  it("takes the bare QR payload too, and each code once", async () => {
    const { bot, client } = rig;
    client.connect();
    const qr = await client.qr();
    await bot.scan(qr.slice(qr.indexOf("#") + 1));
    await expect(bot.scan(qr)).rejects.toThrow("No companion shows this QR code");
  });

  it("links a companion whose code a phone types", async () => {
    const { bot, client } = rig;
    client.connect();
    await client.qr();
    const code = await client.socket.requestPairingCode("15550009000");
    await bot.enterPairingCode(code);
    expect(await client.closed()).toBe(515);
    await logIn(rig);
    expect(client.creds.account).toBeDefined();
  });

  it("refuses a wrong pairing code", async () => {
    const { bot, client } = rig;
    client.connect();
    await client.qr();
    await client.socket.requestPairingCode("15550009000");
    await expect(bot.enterPairingCode("AAAA1111")).rejects.toThrow("The pairing code is wrong.");
    expect(rig.wa.companions).toEqual([]);
  });

  it("gives a new companion the history without the 20 seconds' wait", async () => {
    const { bot, alice, client } = rig;
    bot.remember(alice, "before the link");
    await link(rig);
    expect((await client.past())[0]?.message?.conversation).toBe("before the link");
  });

  it("counts companions of one account up", async () => {
    const { wa, bot } = rig;
    await link(rig);
    const second = new Client(wa);
    second.connect();
    expect((await bot.scan(await second.qr())).device).toBe(2);
    await second.closed();
    await logIn({ wa, client: second }, 2);
    expect(wa.companions.filter(({ connected }) => connected).map(({ device }) => device)).toEqual([1, 2]);
    second.close();
  });

  it("is refused by a client that trusts another root", async () => {
    const restore = trust(Curve.generateKeyPair().public);
    try {
      rig.client.connect();
      expect(await rig.client.closed()).toBe(400);
    } finally {
      restore();
    }
  });

  it("logs a companion out that the phone has unlinked", async () => {
    await link(rig);
    rig.bot.unlink();
    expect(await rig.client.closed()).toBe(401);
    rig.client.connect();
    expect(await rig.client.closed()).toBe(401);
  });

  it("forgets a companion that logs out", async () => {
    await link(rig);
    await rig.client.socket.logout();
    await rig.wa.waitForCompanion("closed");
    expect(rig.wa.companions).toEqual([]);
  });
});
