import { expect, it, vi } from "vitest";
import type { Pn } from "../../src/access/identity.js";
import type { Doc } from "../../src/store/types.js";
import { Phone } from "../../src/whatsapp/phone.js";
import { tempStore } from "./temp-store.js";

const DAY = 24 * 60 * 60 * 1000;
const ME = { pn: "15550009000@s.whatsapp.net" as Pn };
const receipt = (from: string) => ({ tag: "receipt", attrs: { from } });

it("tells an absence of 12 days once, over restarts, until the phone gives a sign", async () => {
  let now = Date.UTC(2026, 10, 1);
  const settings = await (await tempStore()).open<Doc>("settings");
  const open = () => Phone.open(settings, () => now);
  let phone = await open();
  await phone.seen();
  now += 11 * DAY;
  expect(await phone.absence()).toBeUndefined();
  await phone.watch(receipt("15550001000@s.whatsapp.net"), ME);
  await phone.watch(receipt("15550009000:5@s.whatsapp.net"), ME);
  // The server's, for what the bot wrote to itself.
  await phone.watch({ ...receipt("15550009000@s.whatsapp.net"), tag: "ack" }, ME);
  now += DAY;
  phone = await open();
  expect(await phone.absence()).toBe(12);
  phone = await open();
  expect(await phone.absence()).toBeUndefined();

  await phone.watch(receipt("15550009000@s.whatsapp.net"), ME);
  now += 11 * DAY;
  expect(await phone.absence()).toBeUndefined();
  now += 2 * DAY;
  expect(await phone.absence()).toBe(13);
});

it("an absence that the disk did not take is told the next time", async () => {
  let now = Date.UTC(2026, 10, 1);
  const settings = await (await tempStore()).open<Doc>("settings");
  const phone = await Phone.open(settings, () => now);
  now += 13 * DAY;
  vi.spyOn(settings, "put").mockRejectedValueOnce(new Error("no room"));
  await expect(phone.absence()).rejects.toThrow("no room");
  expect(await phone.absence()).toBe(13);
  expect(await phone.absence()).toBeUndefined();
});

it("a sign that comes while an absence is being written down ends it", async () => {
  let now = Date.UTC(2026, 10, 1);
  const settings = await (await tempStore()).open<Doc>("settings");
  const phone = await Phone.open(settings, () => now);
  now += 13 * DAY;
  const absence = phone.absence();
  await phone.seen();
  await absence;
  now += 12 * DAY;
  expect(await phone.absence()).toBe(12);
});
