/**
 * A WhatsApp that fits on the loopback: a server that speaks the real wire protocol, and simulated phones around it
 * (DESIGN 10). A real Baileys connects to it, and everything that it sends can be read.
 *
 * ```ts
 * const wa = await WhatsApp.start();
 * const owner = wa.phone({ pn: "15550001000", lid: "1001", name: "Olga" });
 * const bot = wa.phone({ pn: "15550009000", lid: "9001" });
 * // start a client with KAFCLAW_WHATSAPP_URL=wa.url and KAFCLAW_WHATSAPP_ROOT_KEY=wa.rootKeyHex, take its QR
 * await bot.scan(qr);
 * await owner.send(bot, "/status");
 * await owner.next((message) => message.text.includes("Silent"));
 * wa.record.all; // every stanza that the client sent
 * await wa.close();
 * ```
 */
export type { Received } from "./phone.js";
export { Phone } from "./phone.js";
export type { Recorded } from "./record.js";
export { WhatsApp } from "./server.js";
