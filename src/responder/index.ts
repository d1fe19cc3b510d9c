/** WHAT answers a buddy: the face of this folder. {@link createResponder} makes the model, the relay, or silence. */
export type { ConversationDoc } from "./book.js";
export { createResponder, type ResponderParts } from "./responder.js";
export type * from "./types.js";
