/**
 * WHO may talk: the face of this folder. Knows no WhatsApp, no HTTP and no clock but the one it is given.
 *
 * ```ts
 * const access = await createAccess({
 *   access: await store.open("access", { durable: true }),
 *   audit: await store.open("audit", { durable: true }),
 *   clock: Date.now,
 *   random: randomBytes,
 * });
 * access.judge({ place: "person", sender, fromMe: false }); // { kind: "stranger" }
 * await access.approve(contact, { door: "cli", who: "alice" });
 * ```
 */
export { createAccess } from "./access.js";
export type * from "./api.js";
export { parseCode, randomText } from "./code.js";
export type { AccessDoc } from "./documents.js";
export { heldOf, journalIdsOf } from "./held.js";
export * from "./identity.js";
export { episodesOf } from "./learning.js";
export { isObeyed } from "./ownership.js";
export { INVITE_DAYS, isLive } from "./pairing.js";
export { noNumber, phoneDigits } from "./references.js";
export { type AccessSettings, UNDO_WINDOW_MS } from "./settings.js";
export { checkToken } from "./tokens.js";
export * from "./types.js";
export { lastStanding } from "./undo.js";
export { doorOf, eventOf, isContactAction, lastChange, nameOrNumber, pastTense, predicate } from "./words.js";
