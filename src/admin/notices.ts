import type { Learned, Outcome } from "../access/index.js";
import type { Contact, Invite } from "../access/types.js";
import { HOUR, isWithin } from "../clock.js";
import type { Message } from "../text.js";
import type { LinkState } from "../whatsapp/types.js";
import { type About, NoticeBook } from "./notice-book.js";
import { LEARNED, NoticeSender, type NoticesParts } from "./notice-sender.js";
import * as texts from "./notice-texts.js";
import type { SentNotices } from "./sent.js";

/** The same alarm, a link that flaps say, is told once in that time. */
const ALARM_AGAIN_MS = HOUR;
const ALARMS_REMEMBERED = 500;

/**
 * What the owner is told without having asked.
 *
 * A notice is on disk before the method that takes it resolves. It leaves when there is a confirmed owner, the link is
 * open and no quiet hours hold it (alarms don't wait for those); more than five in a minute leave as one digest.
 */
export class Notices {
  private readonly book: NoticeBook;
  private readonly sender: NoticeSender;
  /** When each alarm was last told. */
  private readonly alarmed = new Map<string, number>();

  constructor(private readonly parts: NoticesParts) {
    this.book = new NoticeBook(parts);
    this.sender = new NoticeSender(parts, this.book);
  }

  /** A sender entered the queue. `text` has its tokens masked. Told once an episode. */
  async entered(contact: Contact, message: { readonly text: string; readonly at: number }): Promise<void> {
    const sent = await this.book.load();
    if (sent.announced(contact)) return;
    const about = { kind: "entered", contactId: contact._id, episode: contact.episode, text: message.text } as const;
    await this.add(`entered:${contact._id}:${contact.episode}`, about);
  }

  /** An `--auto` invite let somebody in. */
  async autoApproved(outcome: Outcome, invite: Invite): Promise<void> {
    const sent = await this.book.load();
    const { contact, decision } = outcome;
    if (sent.announcedDecision(decision.id)) return;
    const message = texts.autoApproved(contact, invite, this.book.warningOf(contact));
    const about = { kind: "auto", contactId: contact._id, decisionId: decision.id, message } as const;
    await this.add(`auto:${decision.id}`, about);
  }

  /** The queue is full, for the first time since it last had room. */
  async queueFull(): Promise<void> {
    await this.add("news:queue-full", newsOf(texts.queueFull()));
  }

  /** What became known about somebody's addresses. */
  async learned(news: Learned): Promise<void> {
    if (news.kind === "owner-locked") {
      // Their chat is not trusted any more: it is told at the machine.
      const why = this.parts.access.owner()?.locked;
      this.parts.log.warn({ why }, "the owner's commands are stopped; kafclaw owner set <number> names the owner anew");
      return;
    }
    const message = texts.learned(news);
    if (message === undefined) return;
    const contact = news.kind === "new-person" ? news.old : "contact" in news ? news.contact : undefined;
    // Each change is news of its own, also while the one before it waits.
    const change = contact?.history.at(-1)?.id;
    const key = `${LEARNED}${news.kind}:${contact?._id}:${change}`;
    // The message that told it may come again after a crash.
    if (this.parts.outbox?.withKey(`notice:waiting:${key}`) === undefined) await this.add(key, newsOf(message));
  }

  /** @param contacts the longest waiting first; where a crash brings them again with more, the last is new and tells */
  async expiring(contacts: readonly Contact[]): Promise<void> {
    const last = contacts.at(-1);
    if (last === undefined) return;
    const episodes = contacts.map(({ _id, episode }) => ({ contactId: _id, episode }));
    await this.add(`news:expiring:${last._id}:${last.episode}`, { kind: "expiring", episodes });
  }

  /** @param contacts as {@link expiring} takes them */
  async expired(contacts: readonly Contact[]): Promise<void> {
    const last = contacts.at(-1);
    if (last === undefined) return;
    await this.add(`news:expired:${last._id}:${last.episode}`, newsOf(texts.expired(contacts)));
  }

  /** The admin chat begins, as soon as the owner is confirmed; what waited for it comes with it. */
  async ownerConfirmed(): Promise<void> {
    await this.add("news:owner-confirmed", newsOf(texts.ownerConfirmed()), true);
  }

  /** Another person may be the owner now, who was told nothing; and what waited for one can go out. */
  async ownerChanged(): Promise<void> {
    for (const contact of this.parts.access.list("pending")) {
      await this.entered(contact, { text: contact.held.at(-1)?.preview ?? "", at: contact.since });
    }
    await this.flush();
  }

  /** A message could not be handled after several tries. */
  async stuck(journalId: string, reason: string): Promise<void> {
    await this.news(`stuck:${journalId}`, texts.stuck(reason), true);
  }

  /** The link needs the owner; comes at once, or when the link is back. */
  async linkTrouble(state: LinkState): Promise<void> {
    await this.news(`link:${state.code}:${state.reason ?? ""}`, texts.link(state), true);
  }

  /** The phone of the linked account gave no sign for so many days: WhatsApp may soon unlink the gateway. */
  async phoneAway(days: number): Promise<void> {
    await this.news("phone-away", texts.phoneAway(days), true);
  }

  /**
   * WhatsApp took nothing for this contact: `restricted` is its error 463.
   * @param reply the outbox's key of the owner's reply that it was, as each has its ✅ and so is told of by itself
   */
  async notSent(contact: Contact | undefined, reason: texts.NotSent, error?: number, reply?: string): Promise<void> {
    const key = `not-sent:${reason}:${reply ?? contact?._id ?? ""}`;
    await this.news(key, texts.notSent(contact, reason, error), reason.includes("restricted"));
  }

  /**
   * Anything else, once while it waits under this key. Alarms don't wait for the morning, and come once an hour at most.
   * Nobody tells such a thing twice: where the disk is full it is kept in memory until it can be written.
   */
  async news(key: string, message: Message, alarm = false): Promise<void> {
    await this.book.load();
    const now = this.parts.clock();
    if (alarm && isWithin(ALARM_AGAIN_MS, this.alarmed.get(key) ?? Number.NEGATIVE_INFINITY, now)) return;
    if (alarm) this.alarmed.set(key, now);
    if (this.alarmed.size > ALARMS_REMEMBERED) this.alarmed.delete(this.alarmed.keys().next().value ?? "");
    await this.book.writeOrKeep(`news:${key}`, newsOf(message), alarm);
    await this.flush();
  }

  /** The owner's own name, so that nobody is mistaken for them. */
  ownerNamed(name: string): Promise<void> {
    return this.book.ownerNamed(name);
  }

  /** The record of what went out; waits for what is on its way, as an answer can be very quick. */
  async sent(): Promise<SentNotices> {
    await this.sender.catchUp();
    return this.book.load();
  }

  /** Sends what can be sent now. Call when the link opens, and when the owner was set or confirmed. */
  flush(): Promise<void> {
    return this.sender.flush();
  }

  stop(): Promise<void> {
    return this.sender.stop();
  }

  private async add(key: string, about: About, alarm = false): Promise<void> {
    await this.book.write(key, about, alarm);
    await this.flush();
  }
}

function newsOf(message: Message): About {
  return { kind: "news", message };
}
