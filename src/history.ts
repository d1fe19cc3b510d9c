/** What came with the history of a new link, on its way into the journal. */
import type { Logger } from "pino";
import type { Clock } from "./access/index.js";
import type { Scheduler } from "./clock.js";
import { type Message, own } from "./text.js";
import { type Mapped, type Raw, withOtherAddress } from "./whatsapp/inbound.js";
import { type Journal, journalId, senderOf } from "./whatsapp/journal.js";

/** What the history needs. */
export interface HistoryParts {
  readonly journal: Journal;
  readonly mapped: Mapped;
  /** Whether a JID is of nobody on a list: what they wrote goes first where memory is short. */
  readonly isStranger: (jid: string) => boolean;
  /** Tells the owner; once for each key while that waits. */
  readonly tell: (key: string, message: Message, alarm: boolean) => Promise<void>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Pick<Logger, "error" | "info">;
}

/** How long to wait for the disk before it is tried again. */
const RETRY_MS = 10_000;
/** So much is kept in memory at most, bytes; and what a message takes there besides its body. */
const MOST_KEPT = 32 * 1024 * 1024;
const ATTRIBUTES = 1024;

/**
 * Brings what came with the history into the journal. WhatsApp hands it over once and waits for no receipt, so what the
 * disk has no room for stays in memory until it has (I10).
 */
export class History {
  /** Not in the journal yet, in order. */
  private left: readonly Raw[] = [];
  private work: Promise<void> = Promise.resolve();
  private cancel = (): void => {};
  /** Whether the owner knows that the disk has no room. */
  private isTold = false;
  private stopped = false;

  constructor(private readonly parts: HistoryParts) {}

  /** Takes messages, oldest first. Resolves when they are in the journal, or wait for room there. Never throws. */
  take(raws: readonly Raw[]): Promise<void> {
    return this.inTurn(() => {
      this.left = [...this.left, ...raws];
      return this.write();
    });
  }

  /** Resolves when what was taken so far was tried. */
  settled(): Promise<void> {
    return this.work;
  }

  /** Tries once more. What has no room even now is lost, and the log says so. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.left.length > 0) await this.inTurn(() => this.write());
    this.cancel();
    const { length: messages } = this.left;
    if (messages > 0)
      this.parts.log.error({ messages }, "messages of the history are lost: the disk had no room for them");
  }

  /** One at a time, or the same message could be written twice. */
  private inTurn(task: () => Promise<void>): Promise<void> {
    this.work = this.work.then(task);
    return this.work;
  }

  private async write(): Promise<void> {
    const { journal, mapped, log, clock, scheduler } = this.parts;
    this.cancel();
    try {
      const whole = await Promise.all(this.left.map((raw) => withOtherAddress(raw, mapped)));
      await journal.record(whole.map(({ attrs, body }) => journal.draft(attrs, body)));
      this.left = [];
      if (this.isTold) this.tell("history-written", WRITTEN, false);
      this.isTold = false;
    } catch (error) {
      if (this.stopped) return;
      this.cancel = scheduler.at(clock() + RETRY_MS, () => void this.inTurn(() => this.write()));
      if (!this.isTold) {
        log.error({ err: error }, "what came with the history can't be written; it is kept and tried again");
        this.tell("history", waits(this.left.length));
        this.isTold = true;
      }
      this.makeRoom();
    }
  }

  /** Lets go of what is too much for the memory: what strangers wrote first, then the oldest. */
  private makeRoom(): void {
    const isOfStranger = ({ attrs }: Raw): boolean => this.parts.isStranger(senderOf(journalId(attrs)));
    const [strangers, others] = [this.left.filter(isOfStranger), this.left.filter((raw) => !isOfStranger(raw))];
    let room = MOST_KEPT;
    const kept = new Set<Raw>();
    for (const raw of [...others.reverse(), ...strangers.reverse()]) {
      room -= raw.body.length + ATTRIBUTES;
      if (room < 0) break;
      kept.add(raw);
    }
    const gone = this.left.length - kept.size;
    if (gone === 0) return;
    this.left = this.left.filter((raw) => kept.has(raw));
    this.parts.log.error(
      { messages: gone },
      "messages of the history are lost: neither disk nor memory had room for them",
    );
    this.tell("history-lost", lost(gone));
  }

  private tell(key: string, message: Message, alarm = true): void {
    this.parts.tell(key, message, alarm).catch((err) => this.parts.log.error({ err }, "a notice was lost"));
  }
}

/** Ends the alarm, which may have waited for the link or the disk itself. */
const WRITTEN = own(
  "✅ The messages that came with the new link are on the disk now: you can stop and restart me again.",
);

function waits(messages: number): Message {
  const have =
    messages === 1
      ? "1 message that came with the new link has"
      : `${messages} messages that came with the new link have`;
  return own(
    `🚨 ${have} no room on the disk. I keep them in memory and try again: free some disk space before you stop or restart me.`,
  );
}

function lost(messages: number): Message {
  return own(
    `🚨 ${messages} of the messages that came with the new link found no room, and are gone: look into the chats on the phone.`,
  );
}
