export type { Addressing } from "./account.js";
export type { Answer } from "./incoming.js";
export type { Received, ReceivedReceipt } from "./mailbox.js";
export type { Person, Phone, SendOptions } from "./phone.js";
export type { Delivered, Stanza } from "./record.js";
export { type CompanionView, WhatsApp, type WhatsAppOptions } from "./server.js";
