/** WHAT answers a buddy: the face of this folder. {@link createResponder} makes the model, the relay, or silence. */

export { isAnswer } from "./answering.js";
export type { ConversationDoc } from "./book.js";
export { findOllama, type Ollama } from "./ollama.js";
export { openModel } from "./open-model.js";
export type { ResponderParts } from "./parts.js";
export { isRelayedReply } from "./relay.js";
export { createResponder } from "./responder.js";
export { Soul } from "./soul.js";
export { type Trial, tryModel } from "./trial.js";
export type * from "./types.js";
