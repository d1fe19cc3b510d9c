import { present } from "../present.js";
import type { WaitingDoc } from "./book.js";
import type { Partner } from "./partner.js";
import type { ResponderParts } from "./parts.js";

/** How often "typing …" is said again: phones show it for some 25 seconds, and no longer. */
const TYPING_MS = 10_000;

/** What a buddy sees of the bot while an answer is made: blue ticks, "typing …", a reaction. */
export class Manners {
  constructor(private readonly parts: Pick<ResponderParts, "access" | "outbox" | "clock" | "scheduler" | "settings">) {}

  /** The reaction of `responder.ackReaction`, where it is set. */
  async acknowledge({ contact, to }: Partner, burst: readonly WaitingDoc[]): Promise<void> {
    const { ackReaction } = this.parts.settings;
    const last = burst.at(-1);
    if (ackReaction === undefined || contact === undefined || last === undefined) return;
    await this.parts.outbox.post({
      kind: "reaction",
      to,
      ...present({ address: last.address }),
      emoji: ackReaction,
      target: { id: last.id, fromMe: false },
      key: `ack:${last.journalId}`,
    });
  }

  /** Blue ticks and "typing …", for buddies. @returns ends the typing */
  type({ contact, to }: Partner, burst: readonly WaitingDoc[]): () => void {
    const { outbox, clock, scheduler, access } = this.parts;
    const address = burst.at(-1)?.address;
    if (contact === undefined) return () => {};
    // In self-chat the owner would no longer see what is unread.
    const isOwnNumber = access.owner()?.setup === "own-number";
    if (isOwnNumber) outbox.signal(to, { kind: "read", ids: burst.map(({ id }) => id) }, address);
    let cancel = (): void => {};
    const show = (): void => {
      outbox.signal(to, { kind: "typing", on: true }, address);
      cancel = scheduler.at(clock() + TYPING_MS, show);
    };
    show();
    return () => {
      cancel();
      outbox.signal(to, { kind: "typing", on: false }, address);
    };
  }
}
