import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BinaryNode, proto } from "@whiskeysockets/baileys";
import { describe, expect, it } from "vitest";
import { type Phone, type Stanza, WhatsApp } from "../../src/simulator/index.js";
import { withDevice } from "./device-lists.js";
import { TOKEN, World } from "./world.js";

const SETTING = { setup: "own-number", addressing: "lid" } as const;

describe("hostile senders and servers", () => {
  it("I3: a stranger's forged retry receipt gets nothing back, whatever id it names", async () => {
    const world = await World.linked(SETTING);
    const { notice } = await world.aliceKnocks();
    const { id } = await world.say(world.mallory, "https://example.com/track me");
    await world.settled();
    for (const forged of [id, notice.id, "3EB0AAAAAAAAAAAAAAAA"]) {
      world.mallory.forgeRetryReceipt({ id: forged, to: world.bot });
      world.mallory.forgeRetryReceipt({ id: forged, to: world.bot, withKeys: true, count: 2 });
    }
    await world.wa.waitUntilTaken();
    await world.settled();
    expect(world.mallory.inbox).toEqual([]);
    expect(world.leaks()).toEqual([]);
    expect(world.wa.stanzasTo(world.mallory, "message")).toEqual([]);
  });

  it("a server with the wrong root key is refused", async () => {
    const world = await World.create();
    const other = await WhatsApp.start();
    await world.setUp();
    await world.home.start({ KAFCLAW_WHATSAPP_ROOT_KEY: other.rootKeyHex });
    await world.home.until(async () => {
      const link = (await world.home.get("/api/v1/link")) as { event: string; code?: string };
      return link.event === "error" && link.code === "not-whatsapp";
    }, "it says that this is not WhatsApp");
    expect(world.wa.companions).toEqual([]);
    await other.close();
  });

  it("a server that says nothing about a number holds up no order", async () => {
    const world = await World.linked(SETTING);
    world.wa.answerQueries((query) => (JSON.stringify(query).includes('"contact"') ? "nothing" : undefined));
    await world.order("/approve +1 555 000 4444");
    expect((await world.told(/Approved/)).text).toContain("+1 555 000 4444");
  });

  it("I9: names and texts never look like the bot's own words", async () => {
    const world = await World.linked(SETTING);
    const name = "Bob\n🔔 *New sender* AAAA\n/approve all\u202Eevil\u2066 *bold* _it_ `x`";
    const eve = world.wa.phone({ pn: "15550007777", name });
    await world.say(eve, `${TOKEN}\n👍 or /approve AAAA\n> quoted *by* you`);
    const { text } = await world.told(/New sender/);
    const lines = text.split("\n");
    expect(lines.filter((line) => line.startsWith("🔔 *New sender*"))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith("👍 or /approve"))).toHaveLength(1);
    expect(text).not.toMatch(/[\u202E\u2066*_`](?:.*)evil/u);
    expect(text).not.toContain(TOKEN);
    await world.order("/approve AAAA");
    expect((await world.told(/AAAA/)).text).toMatch(/no contact has the code/i);
  });

  it("I7: an edit, a forward, a group and somebody else's command are never orders", async () => {
    const world = await World.linked(SETTING);
    const { code } = await world.aliceKnocks();
    const { id } = await world.order("hello bot");
    await world.owner.edit(world.bot, id, `/approve ${code}`);
    await world.order(`/approve ${code}`, { forwarded: true });
    await world.owner.sendGroup("120363000000000001@g.us", `/approve ${code}`, { to: [world.bot] });
    await world.say(world.mallory, `/approve ${code}`);
    await world.say(world.alice, "/approve all");
    await world.settled();
    await world.order("/pending");
    expect((await world.told(/pending:/)).text).toContain(code);
  });

  it("I11: a state-changing order older than 15 minutes is asked for again, a stricter one is obeyed", async () => {
    const world = await World.linked(SETTING);
    const { code } = await world.aliceKnocks();
    const timestamp = Date.now() - 16 * 60_000;
    await world.order(`/approve ${code}`, { timestamp });
    expect((await world.told(/again/i)).text).toMatch(/again/i);
    await world.order(`/deny ${code}`, { timestamp });
    expect((await world.told(/denied/i)).text).toContain(code);
  });

  it("I1: groups, status and calls reach nothing and get nothing", async () => {
    const world = await World.linked(SETTING);
    await world.mallory.sendGroup("120363000000000001@g.us", TOKEN, { to: [world.bot] });
    await world.mallory.sendStatus(TOKEN, { to: [world.bot] } as never);
    await world.mallory.call(world.bot);
    await world.settled();
    await world.order("/pending");
    expect((await world.told(/nobody/i)).text).toMatch(/nobody/i);
    expect(world.leaks()).toEqual([]);
  });

  it("I3: what only our own phone may tell us has no effect and no receipt of its own, whoever else sends it", async () => {
    const world = await World.linked(SETTING);
    await world.settled();
    world.wa.clearRecord();
    const { Type } = proto.Message.ProtocolMessage;
    for (const type of [Type.HISTORY_SYNC_NOTIFICATION, Type.APP_STATE_SYNC_KEY_SHARE]) {
      const historySyncNotification = {
        syncType: proto.HistorySync.HistorySyncType.RECENT,
        chunkOrder: 1,
        progress: 100,
      };
      await world.mallory.sendRaw(world.bot, { protocolMessage: { type, historySyncNotification } });
    }
    // Nor is what is no message asked for again.
    await world.mallory.sendBytes(world.bot, Buffer.from([255, 255, 255]));
    await world.wa.waitUntilTaken();
    await world.settled();
    const receipts = world.wa.stanzasTo(world.mallory, "receipt").map(({ node }) => node.attrs.type);
    expect(receipts).toEqual(["inactive", "inactive", "inactive"]);
    expect(world.wa.record.filter(({ node }) => node.attrs.xmlns === "w:sync:app:state")).toEqual([]);
    expect(world.leaks()).toEqual([]);
  });

  it("a stranger's group keys in a direct message are kept nowhere", async () => {
    const world = await World.linked(SETTING);
    const keys = { id: 1, iteration: 0, chainKey: Buffer.alloc(20_000), signingKey: Buffer.alloc(33, 5) };
    const distribution = Buffer.concat([Buffer.of(0x33), proto.SenderKeyDistributionMessage.encode(keys).finish()]);
    await world.mallory.sendRaw(world.bot, {
      conversation: "hello",
      senderKeyDistributionMessage: {
        groupId: "120363000000000001@g.us",
        axolotlSenderKeyDistributionMessage: distribution,
      },
    });
    await world.wa.waitUntilTaken();
    await world.settled();
    expect(await readFile(join(world.home.path, "data/session.db"), "utf8")).not.toContain("sender-key");
  });

  it("strangers' privacy tokens fill nothing, and a contact's is kept all the same", async () => {
    const world = await World.linked(SETTING);
    await world.aliceKnocks();
    const sendToken = (from: string, id: number) => {
      const token = { tag: "token", attrs: { type: "trusted_contact", t: String(id) }, content: Buffer.of(id % 256) };
      const content = [{ tag: "tokens", attrs: {}, content: [token] }];
      world.wa.push({ tag: "notification", attrs: { from, id: `N${id}`, type: "privacy_token" }, content });
    };
    for (let n = 1; n <= 1_100; n++) sendToken(`${200_000_000_000 + n}@lid`, n);
    sendToken(world.alice.lidJid ?? "", 2_000);
    const kept = () => readFile(join(world.home.path, "data/session.db"), "utf8");
    await world.home.until(async () => (await kept()).includes(`tctoken/${world.alice.lidJid}`), "her token is kept");
    expect(await kept()).toContain("tctoken/200000001000@lid");
    expect(await kept()).not.toContain("tctoken/200000001001@lid");
  });

  it("privacy tokens are given to each person once, not with each message", async () => {
    const world = await World.linked(SETTING);
    await world.aliceGreeted();
    for (const words of ["one", "two"]) {
      await world.say(world.alice, words);
      await world.reply(await world.told(new RegExp(`💬[^]*${words}`)), `${words} heard`);
      await world.alice.next();
    }
    await world.settled();
    expect(givenTo(world, world.owner)).toHaveLength(1);
    expect(givenTo(world, world.alice)).toHaveLength(1);
  });

  it("I2: who was shut out gets no privacy token, and nobody asks for their keys, whatever becomes of their phone", async () => {
    const world = await World.linked(SETTING);
    const { code, id } = await world.aliceGreeted();
    await world.order(`/deny ${code}`);
    await world.told(/Denied/);
    world.wa.clearRecord();
    const from = world.alice.lidJid;
    const identity = { tag: "identity", attrs: {} };
    world.wa.push({ tag: "notification", attrs: { from, id: "N1", type: "encrypt" }, content: [identity] });
    world.wa.push({ tag: "ack", attrs: { from, id, class: "message", error: "463" } });
    world.alice.forgeRetryReceipt({ id, to: world.bot });
    await world.wa.waitUntilTaken();
    await world.settled();
    expect(world.wa.record.filter(asksForKeys)).toEqual([]);
    expect(givenTo(world, world.alice)).toEqual([]);
    expect(world.wa.stanzasTo(world.alice, "message")).toEqual([]);
  });

  it.each<[why: string, order: (code: string) => string, done: RegExp]>([
    ["who asks for a message again is denied", (code) => `/deny ${code}`, /Denied/],
    ["silent mode begins", () => "/silent on", /Silent mode is on/],
  ])("I3: nothing is sent again where %s while WhatsApp is asked for keys", async (_, order, done) => {
    const world = await World.linked(SETTING);
    const { code, id } = await world.aliceGreeted();
    world.wa.clearRecord();
    world.wa.answerQueries((query) => (asksForKeys({ node: query }) ? "nothing" : undefined));
    world.alice.forgeRetryReceipt({ id, to: world.bot });
    const asked = await world.wa.waitForStanza(asksForKeys);
    await world.order(order(code));
    await world.told(done);
    const list = { tag: "list", attrs: {}, content: [] };
    world.wa.push({ tag: "iq", attrs: { id: asked.node.attrs.id ?? "", type: "result" }, content: [list] });
    await world.wa.waitUntilTaken();
    await world.settled();
    expect(world.wa.stanzasTo(world.alice, "message")).toEqual([]);
  });

  it("I3: nothing is sent again where who asks for it is denied while WhatsApp is asked for their devices", async () => {
    const world = await World.linked(SETTING);
    const { code, id } = await world.aliceGreeted();
    // A new connection knows no devices.
    world.wa.disconnect(503);
    await world.settled();
    world.wa.clearRecord();
    const asksForHers = (query: BinaryNode) =>
      query.attrs.xmlns === "usync" && JSON.stringify(query).includes(world.alice.lidJid);
    world.wa.answerQueries((query) => (asksForHers(query) ? "nothing" : undefined));
    world.alice.forgeRetryReceipt({ id, to: world.bot, withKeys: true });
    const asked = await world.wa.waitForStanza((stanza) => asksForHers(stanza.node));
    await world.order(`/deny ${code}`);
    await world.told(/Denied/);
    world.wa.push(withDevice(asked.node, { id: "0" }) ?? asked.node);
    await world.wa.waitUntilTaken();
    await world.settled();
    expect(world.wa.stanzasTo(world.alice, "message")).toEqual([]);
  });

  it("I3: nothing leaves for who is denied while Baileys itself asks for their devices", async () => {
    const world = await World.linked(SETTING);
    const { code, id } = await world.aliceGreeted();
    world.wa.clearRecord();
    const from = world.alice.lidJid;
    const isHeld = (query: BinaryNode) =>
      (query.attrs.xmlns === "usync" || query.attrs.xmlns === "encrypt") && JSON.stringify(query).includes(from);
    world.wa.answerQueries((query) => (isHeld(query) ? "nothing" : undefined));
    world.alice.forgeRetryReceipt({ id, to: world.bot });
    const keys = await world.wa.waitForStanza(asksForKeys);
    // Her list of devices, which was there a moment ago, is old.
    world.wa.push({ tag: "notification", attrs: { from, id: "N1", type: "devices" }, content: [] });
    const list = { tag: "list", attrs: {}, content: [] };
    world.wa.push({ tag: "iq", attrs: { id: keys.node.attrs.id ?? "", type: "result" }, content: [list] });
    const devices = await world.wa.waitForStanza(({ node: query }) => isHeld(query) && !asksForKeys({ node: query }));
    await world.order(`/deny ${code}`);
    await world.home.until(
      async () => JSON.stringify(await world.home.get("/api/v1/contacts?state=denied")).includes(code),
      "she is denied",
    );
    world.wa.push(withDevice(devices.node, { id: "0" }) ?? devices.node);
    await world.told(/Denied/);
    await world.settled();
    expect(world.wa.stanzasTo(world.alice, "message")).toEqual([]);
  });

  it("people without a LID are notified, queued and approved like all others", async () => {
    const world = await World.create({ setup: "own-number", addressing: "pn" }, {}, { lid: null });
    await world.setUp();
    await world.home.start();
    await world.scanQr();
    const { code } = await world.aliceKnocks();
    await world.order("/silent off");
    await world.told(/Silent mode is off/);
    await world.order(`/approve ${code}`);
    await world.told(/approved/i);
    expect((await world.alice.next()).text.length).toBeGreaterThan(3);
  });
});

/** The privacy tokens that somebody was given. */
function givenTo({ wa }: World, phone: Phone): Stanza[] {
  return wa.stanzasTo(phone, "iq").filter(({ node }) => node.attrs.xmlns === "privacy");
}

function asksForKeys({ node }: Pick<Stanza, "node">): boolean {
  return node.attrs.xmlns === "encrypt" && JSON.stringify(node.content).includes('"key"');
}
