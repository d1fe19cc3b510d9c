import { describe, expect, it } from "vitest";
import type { Lid } from "../../src/access/identity.js";
import { AccountPin } from "../../src/whatsapp/pin.js";
import { ME } from "./inbound-rig.js";
import { tempStore } from "./temp-store.js";

const DEVICE = "15550009000:3@s.whatsapp.net";
const NOW = Date.UTC(2026, 10, 23, 12, 0, 0, 700);
const DAY = 24 * 60 * 60 * 1000;

describe("the linked account", () => {
  it("is remembered with its device, and linked at the second in which WhatsApp says it was", async () => {
    const settings = await (await tempStore()).open("settings");
    const pin = await AccountPin.open(settings);
    expect([pin.linkedAt, pin.isNew(DEVICE)]).toEqual([0, true]);
    await pin.set(ME, DEVICE, NOW);
    for (const each of [pin, await AccountPin.open(settings)]) {
      expect([each.linkedAt, each.isNew(DEVICE)]).toEqual([NOW - 700, false]);
      expect(() => each.check({ id: "15550001000:9@s.whatsapp.net", lid: ME.lid })).not.toThrow();
      expect(() => each.check({ id: "15550001000:9@s.whatsapp.net" })).not.toThrow();
      expect(() => each.check({ id: "15550007777:1@s.whatsapp.net" })).toThrow(/phone is \+15550007777;.*--replace/);
      expect(() => each.check({ id: "15550001000:9@s.whatsapp.net", lid: "7777@lid" })).toThrow(
        /another account, which has \+15550001000 now;/,
      );
    }
  });

  it("is the same when it is linked again, and what it got meanwhile is for the bot; for two weeks, and for no other", async () => {
    const settings = await (await tempStore()).open("settings");
    const pin = await AccountPin.open(settings);
    await pin.set(ME, DEVICE, NOW);
    await pin.set(ME, "15550009000:4@s.whatsapp.net", NOW + DAY);
    expect(pin.linkedAt).toBe(NOW - 700);
    await pin.set(ME, "15550009000:5@s.whatsapp.net", NOW + 15 * DAY);
    expect(pin.linkedAt).toBe(NOW - 700 + DAY);
    await pin.set({ ...ME, lid: "7777@lid" as Lid }, "15550009000:6@s.whatsapp.net", NOW + 15 * DAY);
    expect(pin.linkedAt).toBe(NOW - 700 + 15 * DAY);
  });

  it("that was logged out here is the same, but what it got since is not for the bot", async () => {
    const settings = await (await tempStore()).open("settings");
    await (await AccountPin.open(settings)).end();
    const pin = await AccountPin.open(settings);
    await pin.set(ME, DEVICE, NOW);
    await pin.end();
    expect(() => pin.check({ id: "15550007777:1@s.whatsapp.net" })).toThrow(/--replace/);
    const later = await AccountPin.open(settings);
    await later.set(ME, "15550009000:4@s.whatsapp.net", NOW + DAY);
    expect(later.linkedAt).toBe(NOW - 700 + DAY);
    await later.set(ME, "15550009000:5@s.whatsapp.net", NOW + 2 * DAY);
    expect(later.linkedAt).toBe(NOW - 700 + DAY);
  });

  it("is a new link with another device, also where a crash came between the scan and the first login", async () => {
    const settings = await (await tempStore()).open("settings");
    const pin = await AccountPin.open(settings);
    await pin.set(ME, DEVICE, NOW);
    expect(pin.isNew("15550009000:4@s.whatsapp.net")).toBe(true);
  });

  it("is what the disk has, where the disk took nothing", async () => {
    const settings = await (await tempStore()).open("settings");
    const pin = await AccountPin.open(settings);
    await pin.set(ME, DEVICE, NOW);
    await settings.close();
    await expect(pin.set({ ...ME }, "15550007777:1@s.whatsapp.net", NOW)).rejects.toThrow();
    expect(pin.isNew(DEVICE)).toBe(false);
  });
});
