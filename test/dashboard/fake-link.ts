import type { KafclawError } from "../../src/errors.js";
import type { LinkControl, LinkEvent } from "../../src/whatsapp/types.js";

/** A link that shows what it is told to, and notes what was asked of it. */
export class FakeLink implements LinkControl {
  event: LinkEvent = { event: "connecting" };
  readonly asked: object[] = [];
  refuses: KafclawError | undefined;

  async beginLinking(options: object = {}): Promise<void> {
    if (this.refuses) throw this.refuses;
    this.asked.push(options);
    this.event = { event: "connecting" };
  }

  async cancelLinking(): Promise<void> {
    this.asked.push({ cancelled: true });
  }

  async logout(): Promise<undefined> {
    this.asked.push({ logout: true });
    this.event = { event: "error", code: "logged-out", message: "Logged out." };
  }
}
