import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { setUp } from "../../src/admin/index.js";
import { House } from "./house.js";

const BY = { door: "cli", who: "you" } as const;

it("numbers of the set-up are checked with WhatsApp when linked, and nothing is changed where one is wrong", async () => {
  const house = await House.open();
  const parts = { access: house.access, decider: house.admin.decider, gateway: house.gateway, random: randomBytes };
  house.onWhatsApp = (pn) => (pn === "5511987654321@s.whatsapp.net" ? "551187654321@s.whatsapp.net" : null);
  const wrong = setUp({ allow: ["+55 11 98765-4321"], deny: ["+1 555 000 4444"] }, parts, BY);
  await expect(wrong).rejects.toThrow("+1 555 000 4444 is not on WhatsApp: check the number.");
  expect(house.access.counts()).toEqual({ approved: 0, denied: 0, pending: 0 });
  await setUp({ allow: ["+55 11 98765-4321"] }, parts, BY);
  expect(house.access.list("approved").map(({ pn }) => pn)).toEqual(["551187654321@s.whatsapp.net"]);
});
