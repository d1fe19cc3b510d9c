/** The outbox: the one door out (I3). */

export type { OutboxDoc } from "./book.js";
export { createOutbox } from "./outbox.js";
export type { OutboxOptions, RunningOutbox } from "./types.js";
