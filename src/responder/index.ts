import type { Contact } from "../access/types.js";
import type { Inbound } from "../whatsapp/types.js";

/** What answers a buddy. A buddy's message arrives here exactly once, after the gate and never before (I1, I10). */
export interface Responder {
  /** The name that `/status` shows. */
  readonly name: string;
  /** Takes one message of one buddy. What it resolves to is posted to the outbox under a key made of the message id. */
  respond(message: Inbound, buddy: Contact): Promise<readonly string[]>;
}

/** The responder that says nothing. */
export class QuietResponder implements Responder {
  readonly name = "off";

  async respond(): Promise<readonly string[]> {
    return [];
  }
}
