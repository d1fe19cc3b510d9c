/**
 * A WhatsApp for tests and demos, on 127.0.0.1: a server that speaks the real wire protocol (WebSocket, Noise XX with
 * certificates, binary nodes, Signal), to which the real gateway with the real Baileys connects, and simulated phones
 * around it. Reading this page is enough to use it.
 *
 * ## Start, link, talk
 * ```ts
 * const wa = await WhatsApp.start();                 // KAFCLAW_WHATSAPP_URL = wa.url
 *                                                    // KAFCLAW_WHATSAPP_ROOT_KEY = wa.rootKeyHex
 * const bot = wa.phone({ pn: "15550009000", name: "Bot" });     // whose account the gateway is linked to
 * const alice = wa.phone({ pn: "15550002000", name: "Alice" }); // LIDs are given out; `lid: "…"` chooses one, null: none
 *
 * await bot.scan(qrPayload);                         // the URL form and the bare "ref,noise,identity,adv" both
 * await bot.enterPairingCode("ABCD1234");            // or by code; rejects with "The pairing code is wrong."
 * await wa.waitForCompanion("open");                 // logged in, and what waited has been sent to it
 *
 * const { id } = await alice.send(bot, "hello");     // resolves when it is sent, or waits in the server's queue
 * const answer = await alice.next(({ text }) => text.startsWith("hi"));
 * await alice.send(bot, "yes", { quote: answer });
 * await alice.react(bot, answer.id, "👍");           // "" takes it back; { fromMe: true } for one of alice's own messages
 * await alice.edit(bot, id, "hallo");                 // { sealed: true } where it was sent with { secret: true }
 * await alice.revoke(bot, id);
 * await wa.close();
 * ```
 * On its first login a companion gets an app-state key and a history (what `bot.remember(alice, "…")` put there), so
 * that Baileys doesn't wait for 20 seconds. A connection that drops before that is done makes rc14 hold events back for
 * 20 seconds after the next login; `wa.waitUntilTaken()` and the end of the companion's first `w:sync:app:state` query
 * tell when it is done.
 *
 * ## Addressing
 * Messages are LID-addressed and name the other address too, as most are today. `{ addressing: "pn" }` and
 * `{ withAlt: false }` change that, for `send` and everything like it. One Signal session serves both addressings.
 * `alice.pnJid` and `alice.lidJid` are the addresses. `alice.changeNumber("15550002001")` keeps the LID;
 * `alice.passNumberTo({ name: "Nora" })` gives the number to a new person with a new LID.
 *
 * ## What the owner writes
 * `bot.sendSelf("/status")` is "Message yourself"; `bot.send(alice, "…")` is the owner writing to somebody else. The
 * companion gets both as sent by another own device. What the companion itself sends reaches `bot.inbox` as a copy
 * (`own: true`, `chat`: whom it went to); so in the self-chat set-up the bot's words are taken with
 * `bot.next(({ own, text }) => own && …)`.
 *
 * ## More that phones can do
 * `sendMedia(to, { kind: "voice", seconds: 3, bytes })` uploads an encrypted file (`mimetype`, `statedLength` and `fault`
 * make it lie or break), `download(received)` gets one back; `wa.downloads` are the files that were asked for. `sendGroup("1203…@g.us", text)`, `sendStatus(text)`, `call(to)`,
 * `changeSetting()`, `sendRaw(to, protoMessage)`, `sendBytes(to, bytes, { name })`, `read(received)`, `forgeRetryReceipt({ id, to, withKeys? })`, `unlink()`, `leave()`.
 * Options of `send`: `forwarded`, `ephemeral: seconds`, `viewOnce`, `timestamp` (milliseconds), `id`,
 * `corrupt` (the companion can't decrypt and has to ask again; it then gets it),
 * `absent` (no content; the companion has to ask its own phone, which answers), `resends: false` (whoever asks gets nothing).
 * A phone that can't decrypt what a companion sent makes `next()` reject at once; with `asksAgain: true` it sends a retry
 * receipt as well, as real phones do. `alice.loseSessions()` provokes that. `troubles` lists what went wrong.
 *
 * ## What left the gateway
 * `wa.record` holds every stanza that companions sent, in order and decrypted: `{ at, kind, node, to, from, message,
 * delivered }`. `wa.stanzasTo(alice)` are those meant for one person, under any address: messages, receipts, acks, chat
 * states, presence, privacy tokens; so "nothing left" is `expect(wa.stanzasTo(alice, "message")).toEqual([])`. A copy for the
 * own phone of a message to somebody else is not counted as one to the owner.
 * `wa.waitForStanza(fits)` waits, `wa.clearRecord()` starts over. Receipts and acks of an inbound message prove that the
 * companion has seen it: `await wa.waitUntilTaken()` before asserting that nothing came back.
 * `wa.onChange(listener)` hears of everything that a companion did; a demo follows its phones by it.
 *
 * ## Queue and faults
 * Everything for a companion waits while it is offline, is replayed marked `offline` at the next login, and stays until
 * the companion's receipt or ack (with an error too): at least once.
 * - `wa.disconnect(503)`; `{ kind: "failure" }` for 401, 403, …; `{ kind: "conflict" }` is 440; `{ kind: "close" }` is 428
 * - `wa.refuseLogins(402, 1, { expire: "3600" })`, `wa.acceptLogins()`; for registrations too (405)
 * - `wa.disturb((send) => …)` sends messages later, in another order, or twice
 * - `wa.garble()` sends a frame that can't be read
 * - `wa.hold()` cuts and takes no connections, `wa.resume()` ends that; `wa.stall(ms)` answers nothing for a while
 * - `wa.answerMessages(() => ({ kind: "refuse", error: 463 }))`; also "lose" (not delivered, no ack) and "mute" (delivered,
 *   no ack); without an argument all is well again
 * - `wa.answerQueries((query) => …)`: another answer than the usual one, or "nothing"; `wa.delayQueries((query) => ms)`
 * - a second login of a device replaces the first (440); an unlinked companion is logged out (401)
 *
 * Whatever is waited for is given 15 seconds unless `timeoutMs` says otherwise.
 */
export type { Addressing } from "./account.js";
export type { MediaOptions } from "./content.js";
export type { DisconnectKind } from "./faults.js";
export type { Answer } from "./incoming.js";
export type { Received, ReceivedReceipt } from "./mailbox.js";
export type { Person, SendOptions, TargetOptions, TravelOptions } from "./person.js";
export type { Phone } from "./phone.js";
export type { Delivered, Stanza } from "./record.js";
export { type CompanionView, WhatsApp, type WhatsAppOptions } from "./server.js";
