/** WHAT answers a buddy: the face of this folder. {@link createResponder} makes the model, the relay, or silence. */
export type { ConversationDoc } from "./book.js";
export { modelFrom } from "./model.js";
export type { ResponderParts } from "./parts.js";
export { createResponder } from "./responder.js";
export type * from "./types.js";
