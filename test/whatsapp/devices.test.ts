import { type BinaryNode, jidDecode, type WASocket } from "@whiskeysockets/baileys";
import { beforeEach, describe, expect, it } from "vitest";
import { watchDevices } from "../../src/whatsapp/devices.js";
import { boundedCache } from "../../src/whatsapp/socket.js";

const cache = boundedCache(100);
const user = { id: "15550009000:3@s.whatsapp.net", lid: "9009000:3@lid" };
const look = watchDevices({ user, userDevicesCache: cache } as Pick<WASocket, "user" | "userDevicesCache">);

function node(tag: string, attrs: Record<string, string>, ...content: BinaryNode[]): BinaryNode {
  return { tag, attrs, content };
}

/** Whose lists are kept still. */
function kept(): string[] {
  return ["2000", "15550002000", "15550009000", "9009000"].filter((name) => cache.get(name) !== undefined);
}

beforeEach(() => {
  for (const name of ["2000", "15550002000", "15550009000", "9009000"]) cache.set(name, [{ device: 0 }, { device: 3 }]);
});

describe("A list of devices", () => {
  it("is kept while messages come from devices on it", async () => {
    await look(node("message", { from: "2000@lid", sender_pn: "15550002000@s.whatsapp.net" }));
    await look(node("message", { from: "2000:3@lid" }));
    await look(node("ack", { class: "message", from: "2000@lid" }));
    const setting = node("disappearing_mode", { duration: "0" });
    await look(node("notification", { type: "account_sync", from: "15550009000@s.whatsapp.net" }, setting));
    await look(node("message", { from: "7777:9@lid" }));
    expect(kept()).toEqual(["2000", "15550002000", "15550009000", "9009000"]);
  });

  it("goes under both addresses when a message comes from a device that is not on it", async () => {
    await look(node("message", { from: "2000:7@lid", sender_pn: "15550002000@s.whatsapp.net" }));
    expect(kept()).toEqual(["15550009000", "9009000"]);
  });

  it("goes under both addresses when WhatsApp tells of a change", async () => {
    await look(node("notification", { type: "devices", from: "15550002000@s.whatsapp.net", lid: "2000@lid" }));
    expect(kept()).toEqual(["15550009000", "9009000"]);
  });

  it("of our own goes under both addresses when WhatsApp tells of a new device", async () => {
    const notification = { type: "account_sync", from: "15550009000@s.whatsapp.net" };
    await look(node("notification", notification, node("devices", { dhash: "2:abcd" })));
    expect(kept()).toEqual(["2000", "15550002000"]);
  });

  it("goes with our own when an ack says that others should have got the message", async () => {
    await look(node("ack", { class: "message", from: "2000@lid", phash: "2:abcd" }));
    expect(kept()).toEqual(["15550002000"]);
  });

  it("goes with our own when WhatsApp refuses a message: the next try is for the devices of then", async () => {
    await look(node("ack", { class: "message", from: "2000@lid", error: "479" }));
    expect(kept()).toEqual(["15550002000"]);
  });

  it("of our own goes under both addresses when a new device of ours writes", async () => {
    expect(jidDecode(user.id)?.user).toBe("15550009000");
    await look(node("message", { from: "15550009000:8@s.whatsapp.net" }));
    expect(kept()).toEqual(["2000", "15550002000"]);
  });
});
