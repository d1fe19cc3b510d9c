/** WHAT answers a buddy: the face of this folder. {@link createResponder} makes the model, the relay, or silence. */
export type { ConversationDoc } from "./book.js";
export { modelFrom } from "./model.js";
export { ModelProblem } from "./problems.js";
export { createResponder, type ResponderParts } from "./responder.js";
export { Soul } from "./soul.js";
export type * from "./types.js";
