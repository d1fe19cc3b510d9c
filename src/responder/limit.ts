import type { Contact } from "../access/types.js";
import type { ConversationBook } from "./book.js";
import type { ResponderParts } from "./parts.js";
import { limitReached } from "./texts.js";

/** How many answers a buddy gets a day, in the owner's time zone. */
export class DailyLimit {
  constructor(
    private readonly book: ConversationBook,
    private readonly parts: Pick<ResponderParts, "clock" | "timezone" | "tell"> & {
      readonly settings: Pick<ResponderParts["settings"], "dailyLimit">;
    },
  ) {}

  /** Whether a buddy has had them all today; the owner is told once. */
  async isReached(contact: Contact): Promise<boolean> {
    const { settings, tell } = this.parts;
    const { dailyLimit } = settings;
    const today = this.today();
    const { answers, told } = this.book.answersOn(contact._id, today);
    if (answers < dailyLimit) return false;
    if (!told) {
      await tell(`daily-limit:${contact._id}:${today}`, limitReached(contact, dailyLimit));
      await this.book.count(contact._id, today, { answers, told: true });
    }
    return true;
  }

  /** A buddy was answered. */
  async count({ _id }: Contact): Promise<void> {
    const today = this.today();
    const { answers, told } = this.book.answersOn(_id, today);
    await this.book.count(_id, today, { answers: answers + 1, told });
  }

  private today(): string {
    const { clock, timezone } = this.parts;
    return new Intl.DateTimeFormat("en-CA", { timeZone: timezone }).format(clock());
  }
}
