import { describe, expect, it } from "vitest";
import { Client } from "./client.js";
import { link, logIn, useRig } from "./rig.js";

const rig = useRig();

describe.each(["pn", "lid"] as const)("messages, %s-addressed", (addressing) => {
  it("go both ways, decrypted", async () => {
    const { alice, bot, client, wa } = rig;
    await link(rig);
    const { id } = await alice.send(bot, "hello", { addressing });
    const { message, type } = await client.text("hello");
    expect(type).toBe("notify");
    expect(message.key).toMatchObject({
      id,
      fromMe: false,
      remoteJid: addressing === "lid" ? alice.lidJid : alice.pnJid,
      remoteJidAlt: addressing === "lid" ? alice.pnJid : alice.lidJid,
    });
    expect(message.pushName).toBe("Alice");

    await client.socket.sendMessage(message.key.remoteJid ?? "", { text: "hello back" });
    const answer = await alice.next();
    expect(answer).toMatchObject({ text: "hello back", own: false, device: 1 });
    const copy = await bot.next(({ own }) => own);
    expect(copy).toMatchObject({ text: "hello back", chat: message.key.remoteJid });
    expect(wa.stanzasTo(alice, "message").map((stanza) => stanza.message?.extendedTextMessage?.text)).toEqual([
      "hello back",
    ]);
    expect(wa.stanzasTo(bot, "message")).toEqual([]);
    // The session works on in both directions.
    await alice.send(bot, "and again", { addressing, quote: answer });
    const again = await client.text("and again");
    expect(again.message.message?.extendedTextMessage?.contextInfo?.stanzaId).toBe(answer.id);
    expect(alice.troubles).toEqual([]);
  });

  it("reach a companion as sent by its own phone", async () => {
    const { alice, bot, client } = rig;
    await link(rig);
    await bot.send(alice, "to alice", { addressing });
    const { message } = await client.text("to alice");
    expect(message.key).toMatchObject({
      fromMe: true,
      remoteJid: addressing === "lid" ? alice.lidJid : alice.pnJid,
      remoteJidAlt: addressing === "lid" ? alice.pnJid : alice.lidJid,
    });
    expect((await alice.next()).text).toBe("to alice");
  });

  it("to oneself arrive at the companion, and its answers at the phone", async () => {
    const { bot, client, wa } = rig;
    await link(rig);
    const own = addressing === "lid" ? bot.lidJid : bot.pnJid;
    await bot.sendSelf("/status", { addressing });
    const { message } = await client.text("/status");
    expect(message.key).toMatchObject({ fromMe: true, remoteJid: own });
    await client.socket.sendMessage(own, { text: "all well" });
    expect(await bot.next(({ text }) => text === "all well")).toMatchObject({ own: true, chat: own, device: 1 });
    expect(wa.stanzasTo(bot, "message")).toHaveLength(1);
    expect(bot.troubles).toEqual([]);
  });

  it("of every kind come through", async () => {
    const { alice, bot, client } = rig;
    await link(rig);
    const { id } = await alice.send(bot, "first", { addressing });
    await alice.react(bot, id, "👍", { addressing, fromMe: true });
    await alice.edit(bot, id, "first, edited", { addressing });
    await alice.revoke(bot, id, { addressing });
    await alice.sendMedia(bot, { kind: "voice", seconds: 3, addressing });
    await alice.send(bot, "soon gone", { addressing, ephemeral: 86400, forwarded: true });
    await alice.send(bot, "once", { addressing, viewOnce: true });
    await alice.sendGroup("120363000000000001@g.us", "in a group", { addressing });
    await alice.sendStatus("a status", { addressing });
    const inner = (await client.message(({ message }) => Boolean(message?.ephemeralMessage))).message.message
      ?.ephemeralMessage?.message?.extendedTextMessage;
    expect(inner).toMatchObject({ text: "soon gone", contextInfo: { expiration: 86400, isForwarded: true } });
    const group = await client.text("in a group");
    expect(group.message.key.participant).toBe(addressing === "lid" ? alice.lidJid : alice.pnJid);
    expect((await client.text("a status")).message.key.remoteJid).toBe("status@broadcast");
    expect(client.messages.map(({ message }) => Object.keys(message.message ?? {})[0])).toEqual([
      "conversation",
      "reactionMessage",
      "editedMessage",
      "protocolMessage",
      "audioMessage",
      "ephemeralMessage",
      "viewOnceMessageV2",
      "senderKeyDistributionMessage",
      "senderKeyDistributionMessage",
    ]);
    const reaction = client.messages[1]?.message.message?.reactionMessage;
    expect(reaction).toMatchObject({ text: "👍", key: { id } });
  });
});

describe("trouble", () => {
  it("of a ciphertext that can't be read is answered with the message again", async () => {
    const { alice, bot, client } = rig;
    await link(rig);
    await alice.send(bot, "hello");
    await client.text("hello");
    await alice.send(bot, "broken", { corrupt: true });
    await client.text("broken");
  });

  it("of a forged retry receipt is the companion's to see", async () => {
    const { alice, bot, client, wa } = rig;
    await link(rig);
    await alice.send(bot, "hello");
    await client.text("hello");
    alice.forgeRetryReceipt({ id: "NOSUCH", to: bot });
    const ack = await wa.waitForStanza(({ node }) => node.tag === "ack" && node.attrs.id === "NOSUCH");
    expect(ack.to).toBe(alice.lidJid);
    expect(wa.stanzasTo(alice, "message")).toEqual([]);
  });

  it("of a refused message shows in the ack", async () => {
    const { alice, bot, client, wa } = rig;
    await link(rig);
    await alice.send(bot, "hello");
    await client.text("hello");
    wa.answerMessages(() => ({ kind: "refuse", error: 463 }));
    const sent = await client.socket.sendMessage(alice.lidJid, { text: "no" });
    const ack = await client.socket.waitForMessage<{ attrs: { error?: string } }>(sent?.key.id ?? "");
    expect(ack?.attrs.error).toBe("463");
    expect(alice.inbox).toEqual([]);
  });

  it("of a phone that can't decrypt fails the one who waits for the message", async () => {
    const { alice, bot, client } = rig;
    await link(rig);
    await alice.send(bot, "hello");
    await client.text("hello");
    alice.loseSessions();
    await client.socket.sendMessage(alice.lidJid, { text: "unreadable" });
    await expect(alice.next()).rejects.toThrow("Alice can't decrypt message");
  });
});

describe("asking again", () => {
  it("brings a message that a phone could not decrypt", async () => {
    const { bot, client, wa } = rig;
    await link(rig);
    const carol = wa.phone({ pn: "15550004000", name: "Carol", asksAgain: true });
    await carol.send(bot, "hello");
    await client.text("hello");
    carol.loseSessions();
    await client.send(carol.lidJid, "say it twice");
    await expect(carol.next()).rejects.toThrow("Carol can't decrypt message");
    expect((await carol.next()).text).toBe("say it twice");
  });

  it("brings a message that came without content from the own phone", async () => {
    const { alice, bot, client } = rig;
    await link(rig);
    await alice.send(bot, "not for the cloud", { absent: true });
    expect((await client.text("not for the cloud")).message.key.remoteJid).toBe(alice.lidJid);
  });
});

describe("the record", () => {
  it("has receipts, chat states, privacy tokens and presence under the person they are for", async () => {
    const { alice, bot, client, wa } = rig;
    await link(rig);
    await alice.send(bot, "hello");
    const { message } = await client.text("hello");
    await wa.waitUntilTaken();
    expect(wa.stanzasTo(alice).map(({ node }) => [node.tag, node.attrs.type])).toEqual([["receipt", "inactive"]]);
    await client.socket.readMessages([message.key]);
    expect((await alice.nextReceipt(({ type }) => type === "read")).ids).toEqual([message.key.id]);
    await client.socket.sendPresenceUpdate("composing", alice.lidJid);
    await wa.waitForStanza(({ kind }) => kind === "chatstate");
    await client.socket.presenceSubscribe(alice.pnJid);
    await wa.waitForStanza(({ kind, to }) => kind === "presence" && to !== "");
    await client.socket.sendMessage(alice.lidJid, { text: "hi" });
    await wa.waitForStanza(({ node }) => node.attrs.xmlns === "privacy" && node.attrs.type === "set");
    const kinds = wa.stanzasTo(alice).map(({ kind }) => kind);
    expect(kinds.slice(0, 5)).toEqual(["receipt", "receipt", "chatstate", "presence", "message"]);
    expect(kinds).toContain("iq");
  });

  it("shows who was blocked", async () => {
    const { alice, bot, client, wa } = rig;
    await link(rig);
    await alice.send(bot, "hello");
    await client.text("hello");
    await client.socket.updateBlockStatus(alice.lidJid, "block");
    expect(bot.hasBlocked(alice)).toBe(true);
    await alice.send(bot, "unheard");
    expect(wa.companions[0]?.waiting).toBe(0);
    expect(await client.socket.fetchBlocklist()).toEqual([alice.lidJid]);
  });
});

describe("addresses", () => {
  it("resolve as people dial them", async () => {
    await link(rig);
    rig.wa.phone({ pn: "551187654321", alsoDialled: ["5511987654321"] });
    expect(await rig.client.socket.onWhatsApp("5511987654321", "15559999999")).toEqual([
      { jid: "551187654321@s.whatsapp.net", exists: true },
    ]);
  });

  it("move: a number to another person, and a person to another number", async () => {
    const { alice, bot, client } = rig;
    await link(rig);
    await alice.send(bot, "mine", { addressing: "pn" });
    await client.text("mine");
    const next = alice.passNumberTo({ name: "Nora" });
    await next.send(bot, "mine now", { addressing: "pn" });
    const { message } = await client.text("mine now");
    expect(message.key).toMatchObject({ remoteJid: "15550002000@s.whatsapp.net", remoteJidAlt: next.lidJid });
    alice.changeNumber("15550002001");
    await alice.send(bot, "moved");
    expect((await client.text("moved")).message.key).toMatchObject({
      remoteJid: alice.lidJid,
      remoteJidAlt: "15550002001@s.whatsapp.net",
    });
  });

  it("that become known late cost a retry at most", async () => {
    const { alice, bot, client } = rig;
    await link(rig);
    await alice.send(bot, "number only", { addressing: "pn", withAlt: false });
    expect((await client.text("number only")).message.key.remoteJidAlt).toBeUndefined();
    await alice.send(bot, "both");
    expect((await client.text("both")).message.key).toMatchObject({
      remoteJid: alice.lidJid,
      remoteJidAlt: alice.pnJid,
    });
    await client.send(alice.lidJid, "welcome");
    expect((await alice.next()).text).toBe("welcome");
  });

  it("of somebody without a LID work too", async () => {
    const { bot, client, wa } = rig;
    await link(rig);
    const paul = wa.phone({ pn: "15550005000", lid: null, name: "Paul" });
    await paul.send(bot, "no lid");
    expect((await client.text("no lid")).message.key).toMatchObject({ remoteJid: paul.pnJid });
    await client.send(paul.pnJid, "never mind");
    expect((await paul.next()).text).toBe("never mind");
  });

  it("of somebody never met can be written to", async () => {
    const { client, wa } = rig;
    await link(rig);
    const stranger = wa.phone({ pn: "15550003000" });
    await client.socket.sendMessage(stranger.pnJid, { text: "good day" });
    expect((await stranger.next()).text).toBe("good day");
  });

  it("of another companion get its messages too", async () => {
    const { alice, client, wa } = rig;
    await link(rig);
    const second = new Client(wa);
    second.connect();
    await alice.scan(await second.qr());
    await second.closed();
    await logIn({ wa, client: second });
    await wa.waitForCompanion("open", { phone: alice });
    await client.socket.sendMessage(alice.lidJid, { text: "from bot to bot" });
    expect((await second.text("from bot to bot")).message.key.remoteJid).toBe(rig.bot.lidJid);
    second.close();
  });
});
