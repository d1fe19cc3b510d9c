import type { Contact } from "../access/types.js";
import type { Message } from "../text.js";
import type { Inbound } from "../whatsapp/types.js";

/** What answers: a model, the owner by relay, or nothing. */
export type Mode = "model" | "relay" | "off";

/** What answers a buddy. A buddy's message arrives here after the gate and never before (I1). */
export interface Responder {
  readonly mode: Mode;
  /** What `/status` shows. */
  readonly name: string;
  /**
   * Takes one message of one buddy. When it resolves, the message is on disk here, to be answered once (I10): a message
   * that comes again after a crash is known. What is answered goes through the outbox.
   */
  respond(message: Inbound, buddy: Contact): Promise<void>;
}

/** The responder as its owner, the gateway, sees it. */
export interface RunningResponder extends Responder {
  /**
   * The owner writes to the bot itself, without a command.
   * @returns what to tell the owner, "taken" where an answer or nothing follows, "unmeant" where it is not for the responder
   */
  fromOwner(message: Inbound): Promise<Message | "taken" | "unmeant">;
  /** How many messages of whom (by contact id) came in silent mode or in a pause and wait for `/answer`. */
  backlog(): ReadonlyMap<string, number>;
  /** Answers the backlog of one contact. */
  answer(contactId: string): Promise<void>;
  /** Forgets the conversation with one contact. @returns how many turns */
  forget(contactId: string): Promise<number>;
  /** Takes up what the last run left. Call when messages may be answered. */
  start(): Promise<void>;
  /** Gives up the answers under way, which the next start takes up. */
  stop(): Promise<void>;
}
