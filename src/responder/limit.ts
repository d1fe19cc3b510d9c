import type { Contact } from "../access/types.js";
import type { Doc } from "../store/types.js";
import type { Who } from "./book.js";
import type { ResponderParts } from "./parts.js";
import { limitReached } from "./texts.js";

/** How many answers somebody has had on one day. */
export interface DayDoc extends Doc {
  readonly kind: "day";
  readonly who: Who;
  /** `2026-11-23`, in the owner's time zone. */
  readonly day: string;
  readonly answers: number;
  /** The owner knows that the limit is reached. */
  readonly told: boolean;
}

/** At most 3,000 buddies' last days are kept, as each is held in memory; whoever was not answered for longest is let go of. */
const KEPT = 3_000;

/** How many answers a buddy gets a day, in the owner's time zone. */
export class DailyLimit {
  /** Whoever was answered last comes last. */
  private readonly days = new Map<Who, DayDoc>();

  /** @param days what is on disk */
  constructor(
    days: readonly DayDoc[],
    private readonly parts: Pick<ResponderParts, "collection" | "clock" | "timezone" | "tell"> & {
      readonly settings: Pick<ResponderParts["settings"], "dailyLimit">;
    },
  ) {
    for (const doc of days.toSorted((a, b) => a.day.localeCompare(b.day))) this.days.set(doc.who, doc);
  }

  /** Whether a buddy has had them all today; the owner is told once. */
  async isReached(contact: Contact): Promise<boolean> {
    const { settings, tell } = this.parts;
    const { dailyLimit } = settings;
    const today = this.today(contact._id);
    if (today.answers < dailyLimit) return false;
    if (!today.told) {
      await tell(`daily-limit:${contact._id}:${today.day}`, limitReached(contact, dailyLimit));
      await this.keep({ ...today, told: true });
    }
    return true;
  }

  /** A buddy was answered. */
  async count({ _id }: Contact): Promise<void> {
    const today = this.today(_id);
    await this.keep({ ...today, answers: today.answers + 1 });
  }

  private today(who: Who): DayDoc {
    const { clock, timezone } = this.parts;
    const day = new Intl.DateTimeFormat("en-CA", { timeZone: timezone }).format(clock());
    const found = this.days.get(who);
    return found?.day === day ? found : { _id: `day:${who}`, kind: "day", who, day, answers: 0, told: false };
  }

  private async keep(doc: DayDoc): Promise<void> {
    const { collection } = this.parts;
    await collection.put(doc);
    this.days.delete(doc.who);
    this.days.set(doc.who, doc);
    const over = [...this.days.values()].slice(0, Math.max(0, this.days.size - KEPT));
    if (over.length === 0) return;
    await collection.remove(over.map(({ _id }) => _id));
    for (const { who } of over) this.days.delete(who);
  }
}
