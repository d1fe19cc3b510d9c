import { describe, expect, it } from "vitest";
import { link, logIn, useRig } from "./rig.js";

const rig = useRig();

describe("an offline companion", () => {
  it("gets what waited, marked as offline, once", async () => {
    const { alice, bot, client, wa } = rig;
    await link(rig);
    client.close();
    await wa.waitForCompanion("closed");
    await alice.send(bot, "one");
    await alice.send(bot, "two", { addressing: "pn" });
    await logIn(rig);
    expect((await client.text("two")).type).toBe("append");
    await wa.waitUntilTaken();
    wa.disconnect(503);
    await client.closed();
    await logIn(rig);
    await alice.send(bot, "three");
    await client.text("three");
    const texts = client.messages.map(({ message }) => message.message?.conversation);
    expect(texts).toEqual(["one", "two", "three"]);
  });

  it("gets a message again that it did not confirm", async () => {
    const { alice, bot, client, wa } = rig;
    await link(rig);
    await wa.waitUntilTaken();
    const { id } = await alice.send(bot, "unconfirmed");
    // The message is out, and the line is cut before the answer is in.
    wa.hold();
    expect(wa.companions[0]?.waiting).toBe(1);
    await client.closed();
    wa.clearRecord();
    wa.resume();
    await logIn(rig);
    // Bare Baileys may have used the key up before the cut and can only say so now; a gateway's journal has it then.
    await wa.waitForStanza(({ kind, node }) => (kind === "receipt" || kind === "ack") && node.attrs.id === id);
    await wa.waitUntilTaken();
  });
});

describe("a dropped connection", () => {
  it.each([
    ["stream-error", 515, 515],
    ["stream-error", 503, 503],
    ["stream-error", 401, 401],
    ["conflict", 0, 440],
    ["failure", 403, 403],
    ["failure", 405, 405],
    ["failure", 411, 411],
    ["failure", 500, 500],
    ["close", 0, 428],
  ] as const)("by %s %i is %i to Baileys", async (kind, code, seen) => {
    await link(rig);
    rig.wa.disconnect(code, { kind });
    expect(await rig.client.closed()).toBe(seen);
  });

  it("by a refusal at login carries the code and the ban's end", async () => {
    await link(rig);
    rig.wa.disconnect(0, { kind: "close" });
    await rig.client.closed();
    rig.wa.refuseLogins(402, 1, { expire: "3600" });
    rig.client.connect();
    const { lastDisconnect } = await rig.client.state(({ connection }) => connection === "close");
    expect(lastDisconnect?.error).toMatchObject({ output: { statusCode: 402 }, data: { expire: "3600" } });
    await logIn(rig);
  });

  it("by a second login of the same device is a replacement", async () => {
    const { client, wa } = rig;
    await link(rig);
    const { ev } = client.socket;
    const ended = new Promise((resolve) => {
      ev.on("connection.update", ({ connection, lastDisconnect }) => {
        if (connection === "close") {
          resolve(lastDisconnect?.error);
        }
      });
    });
    client.connect();
    expect(await ended).toMatchObject({ output: { statusCode: 440 } });
    await client.state(({ connection }) => connection === "open");
    await wa.waitForCompanion("open");
  });

  it("does not stop a stalled server from answering late", async () => {
    const { alice, bot, client, wa } = rig;
    await link(rig);
    wa.stall(50);
    await alice.send(bot, "late");
    await client.text("late");
  });
});
