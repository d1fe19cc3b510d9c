import { same } from "../access/identity.js";
import type { Access, Clock, Learned, Outcome } from "../access/index.js";
import type { Contact, Invite } from "../access/types.js";
import { isWithin } from "../clock.js";
import { present } from "../present.js";
import { type Message, own, renderWhatsApp } from "../text.js";
import type { LinkState, Outbox } from "../whatsapp/types.js";
import { UNDO_WINDOW_MS } from "./decisions.js";
import * as texts from "./notice-texts.js";
import { type QuietHours, quietUntil } from "./quiet.js";
import { allOf, type Records, type SentRecord, type Shown, type WaitingRecord } from "./records.js";
import type { Scheduler } from "./schedule.js";
import { isPresent, SentNotices } from "./sent.js";
import type { Gateway } from "./types.js";
import { stack } from "./words.js";

const MINUTE = 60_000;
/** Notices in one minute that come one by one; what is more becomes a digest. */
const IN_A_MINUTE = 5;
/** How long to wait before looking again whether the link is open, or the disk writable. */
const LOOK_AGAIN_MS = 10_000;
/** The same alarm, a link that flaps say, is told once in that time. */
const ALARM_AGAIN_MS = 60 * MINUTE;
const ALARMS_REMEMBERED = 500;
const OWNER_NAME = "notice:owner-name";
const LEARNED = "news:learned:";

type About = WaitingRecord["about"];

/** What the notices need. */
export interface NoticesParts {
  readonly access: Access;
  readonly gateway: Pick<Gateway, "link">;
  readonly outbox?: Outbox | undefined;
  readonly records: Records;
  readonly clock: Clock;
  /** WhatsApp's time: what notices and the owner's orders are put in order by. */
  readonly serverNow: Clock;
  readonly scheduler: Scheduler;
  readonly timezone: string;
  readonly quiet?: QuietHours | undefined;
  readonly log: { error(details: object, message: string): void };
}

/**
 * What the owner is told without having asked.
 *
 * A notice is on disk before the method that takes it resolves. It leaves when there is a confirmed owner, the link is
 * open and no quiet hours hold it (alarms don't wait for those); more than five in a minute leave as one digest.
 */
export class Notices {
  private loading: Promise<SentNotices> | undefined;
  private readonly waiting = new Map<string, WaitingRecord>();
  /** News by key, until they are written. */
  private readonly unwritten = new Map<string, { readonly about: About; readonly alarm: boolean }>();
  private readonly alarmed = new Map<string, number>();
  private ownerName: string | undefined;
  private order = 0;
  /** The minute that counts for batching. `overflowed`: some had to wait for its end. */
  private minute = { start: Number.NEGATIVE_INFINITY, count: 0, overflowed: false };
  private work: Promise<void> = Promise.resolve();
  private timer: { readonly at: number; readonly cancel: () => void } | undefined;
  private stopped = false;

  constructor(private readonly parts: NoticesParts) {}

  /** A sender entered the queue. `text` has its tokens masked. Told once an episode. */
  async entered(contact: Contact, message: { readonly text: string; readonly at: number }): Promise<void> {
    const sent = await this.load();
    if (sent.announced(contact)) return;
    const about = { kind: "entered", contactId: contact._id, episode: contact.episode, text: message.text } as const;
    await this.add(`entered:${contact._id}:${contact.episode}`, about);
  }

  /** An `--auto` invite let somebody in. */
  async autoApproved(outcome: Outcome, invite: Invite): Promise<void> {
    const sent = await this.load();
    const { contact, decision } = outcome;
    if (sent.announcedDecision(decision.id)) return;
    const message = texts.autoApproved(contact, invite, this.warningOf(contact));
    const about = { kind: "auto", contactId: contact._id, decisionId: decision.id, message } as const;
    await this.add(`auto:${decision.id}`, about);
  }

  /** The queue is full, for the first time since it last had room. */
  async queueFull(): Promise<void> {
    await this.add("news:queue-full", newsOf(texts.queueFull()));
  }

  /** What became known about somebody's addresses. */
  async learned(news: Learned): Promise<void> {
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
    await this.add(`news:expiring:${last._id}:${last.episode}`, newsOf(texts.expiring(contacts)));
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

  /** WhatsApp took nothing for this contact: `restricted` is its error 463. */
  async notSent(contact: Contact | undefined, reason: texts.NotSent): Promise<void> {
    const key = `not-sent:${reason}:${contact?._id ?? ""}`;
    await this.news(key, texts.notSent(contact, reason), reason === "restricted");
  }

  /**
   * Anything else, once while it waits under this key. Alarms don't wait for the morning, and come once an hour at most.
   * Nobody tells such a thing twice: where the disk is full it is kept in memory until it can be written.
   */
  async news(key: string, message: Message, alarm = false): Promise<void> {
    await this.load();
    const now = this.parts.clock();
    if (alarm && isWithin(ALARM_AGAIN_MS, this.alarmed.get(key) ?? Number.NEGATIVE_INFINITY, now)) return;
    if (alarm) this.alarmed.set(key, now);
    if (this.alarmed.size > ALARMS_REMEMBERED) this.alarmed.delete(this.alarmed.keys().next().value ?? "");
    const about = newsOf(message);
    await this.write(`news:${key}`, about, alarm).catch(() => this.unwritten.set(`news:${key}`, { about, alarm }));
    await this.flush();
  }

  /** The owner's own name, so that nobody is mistaken for them. */
  async ownerNamed(name: string): Promise<void> {
    await this.load();
    if (name === "" || name === this.ownerName) return;
    await this.parts.records.put({ _id: OWNER_NAME, kind: "fact", value: name });
    this.ownerName = name;
  }

  /** The record of what went out; waits for what is on its way, as an answer can be very quick. */
  async sent(): Promise<SentNotices> {
    await this.inTurn(() => this.finish());
    return this.load();
  }

  /** Sends what can be sent now. Call when the link opens, and when the owner was set or confirmed. */
  flush(): Promise<void> {
    return this.inTurn(() => this.send());
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.work = this.work.then(async () => {
      try {
        if (!this.stopped) await work();
      } catch (error) {
        this.parts.log.error({ err: error }, "notices wait: they could not be written");
        this.wake(this.parts.clock() + LOOK_AGAIN_MS);
      }
    });
    return this.work;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.work;
  }

  private load(): Promise<SentNotices> {
    this.loading ??= this.read().catch((error: unknown) => {
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  private async read(): Promise<SentNotices> {
    const { records, access, clock, timezone } = this.parts;
    for (const record of await allOf(records, "waiting")) {
      this.waiting.set(record._id, record);
      this.order = Math.max(this.order, record.order);
    }
    const name = await records.get(OWNER_NAME);
    if (name?.kind === "fact") this.ownerName = name.value;
    return SentNotices.load(records, access, clock, timezone);
  }

  private async add(key: string, about: About, alarm = false): Promise<void> {
    await this.write(key, about, alarm);
    await this.flush();
  }

  private async write(key: string, about: About, alarm: boolean): Promise<void> {
    const _id = `notice:waiting:${key}`;
    if (this.waiting.has(_id)) return;
    const record: WaitingRecord = { _id, kind: "waiting", at: this.parts.clock(), order: ++this.order, alarm, about };
    await this.parts.records.put(record);
    this.waiting.set(_id, record);
  }

  private async send(): Promise<void> {
    const { access, gateway, clock, quiet, timezone, outbox } = this.parts;
    await this.load();
    for (const [key, { about, alarm }] of this.unwritten) {
      await this.write(key, about, alarm);
      this.unwritten.delete(key);
    }
    const owner = access.owner();
    await this.finish();
    await this.drop([...this.waiting.values()].filter((record) => !this.isNews(record)));
    if (outbox === undefined || owner === undefined || !owner.confirmed || owner.locked !== undefined) return;
    if (this.waiting.size === 0) return;
    if (gateway.link().code !== "open") return this.wake(clock() + LOOK_AGAIN_MS);

    await this.sendAll(({ alarm }) => alarm);
    if (this.waiting.size === 0) return;
    const morning = quietUntil(clock(), quiet, timezone);
    if (morning !== undefined) return this.wake(morning);
    // Bundles that a crash left: they go out as what they were.
    await this.sendAll(({ batch }) => batch !== undefined);
    await this.sendInTurn(this.inOrder());
  }

  /** Records what is in the outbox already, where a crash or the disk kept that: an answer to it may be quicker than the link. */
  private async finish(): Promise<void> {
    const { outbox, access } = this.parts;
    const owner = access.owner();
    if (outbox === undefined || owner === undefined) return;
    await this.load();
    await this.sendAll(({ batch, ...record }) => {
      const posted = outbox.withKey(batch === undefined ? keyOf(record) : digestKey(batch));
      return posted !== undefined && same(posted.to, owner.person);
    });
  }

  /** Sends those of what waits that fit: bundles as such, the others one by one. */
  private async sendAll(fits: (record: WaitingRecord) => boolean): Promise<void> {
    const found = this.inOrder().filter(fits);
    for (const record of found) if (record.batch === undefined) await this.sendOne(record);
    const batches = new Set(found.flatMap(({ batch }) => (batch === undefined ? [] : [batch])));
    for (const batch of batches)
      await this.sendDigest(
        found.filter((record) => record.batch === batch),
        batch,
      );
  }

  private inOrder(): readonly WaitingRecord[] {
    return [...this.waiting.values()].sort((a, b) => a.order - b.order);
  }

  /** One by one while they are few, the others together when the minute is over. */
  private async sendInTurn(rest: readonly WaitingRecord[]): Promise<void> {
    const now = this.parts.clock();
    const isNewMinute = !isWithin(MINUTE, this.minute.start, now);
    const bundle = isNewMinute && rest.length > 1 && (this.minute.overflowed || rest.length > IN_A_MINUTE);
    if (isNewMinute) this.minute = { start: now, count: 0, overflowed: false };
    if (bundle) {
      this.minute.count++;
      return this.sendDigest(rest, `${now}-${this.order}`);
    }
    const room = IN_A_MINUTE - this.minute.count;
    for (const record of rest.slice(0, room)) {
      this.minute.count++;
      await this.sendOne(record);
    }
    if (rest.length > room) {
      this.minute.overflowed = true;
      this.wake(this.minute.start + MINUTE);
    }
  }

  private async sendOne(record: WaitingRecord): Promise<void> {
    const { about } = record;
    const key = keyOf(record);
    if (about.kind === "entered") {
      const contact = this.parts.access.byId(about.contactId);
      // Two records that turned out to be one person are told of once.
      if (contact === undefined || (await this.load()).announced(contact)) return this.drop([record]);
      const message = texts.newSender(contact, about.text, this.warningOf(contact), this.when());
      await this.post(key, message, "entered", [shownOf(contact)]);
    } else if (about.kind === "auto") {
      const contact = this.parts.access.byId(about.contactId);
      await this.post(key, this.messageOf(record), "auto", contact ? [shownOf(contact)] : [], about.decisionId);
    } else {
      await this.post(key, about.message, "news", []);
    }
    await this.drop([record]);
  }

  private async sendDigest(records: readonly WaitingRecord[], batch: string): Promise<void> {
    const { access } = this.parts;
    const bundled = records.map((record) => ({ ...record, batch }));
    await this.parts.records.putAll(bundled);
    for (const record of bundled) this.waiting.set(record._id, record);
    const entered = bundled.flatMap(({ about }) =>
      about.kind === "entered" ? (access.byId(about.contactId) ?? []) : [],
    );
    // Two records that turned out to be one person are one sender.
    const contacts = [...new Set(entered)];
    const news = bundled.flatMap((record) => (record.about.kind === "entered" ? [] : [this.messageOf(record)]));
    const warnings = new Map(
      contacts.slice(0, texts.DIGEST_LENGTH).flatMap((contact) => {
        const warning = this.warningOf(contact);
        return warning === undefined ? [] : [[contact._id, warning] as const];
      }),
    );
    const shown = contacts.slice(0, texts.DIGEST_LENGTH).map(shownOf);
    await this.post(digestKey(batch), texts.digest(contacts, warnings, news), "digest", shown);
    await this.drop(bundled);
  }

  private async post(
    key: string,
    message: Message,
    form: SentRecord["form"],
    shown: readonly Shown[],
    decisionId?: string,
  ): Promise<void> {
    const { access, outbox, clock, serverNow } = this.parts;
    const owner = access.owner();
    if (outbox === undefined || owner === undefined) return;
    const before = outbox.withKey(key);
    const isMine = before !== undefined && same(before.to, owner.person);
    const ids = await outbox.post({
      kind: "text",
      to: owner.person,
      text: renderWhatsApp(message),
      // What went to the former owner is new to this one.
      key: before === undefined || isMine ? key : `${key}:${owner.person.lid ?? owner.person.pn}`,
      ...present({ address: owner.chat }),
    });
    const decision = present({ decisionId });
    const sent = await this.load();
    const _id = `notice:sent:${key}`;
    const at = isMine ? before.at + serverNow() - clock() : serverNow();
    await sent.put({ _id, kind: "sent", ids, to: owner.person, form, shown, at, ...decision });
  }

  /** What a notice says; where it had to wait, what it promises may be over. */
  private messageOf({ about, at }: WaitingRecord): Message {
    if (about.kind === "entered") return { parts: [] };
    const isOver = about.kind === "auto" && this.parts.clock() - at > UNDO_WINDOW_MS;
    return isOver ? stack([about.message, own("The 10 minutes are over.")]) : about.message;
  }

  /** False where the owner would be told of what is no longer so. */
  private isNews({ about }: WaitingRecord): boolean {
    if (about.kind === "news") return true;
    const contact = this.parts.access.byId(about.contactId);
    if (about.kind === "auto") return contact?.state === "approved";
    return contact?.state === "pending" && isPresent(contact, about);
  }

  private async drop(records: readonly WaitingRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.parts.records.remove(records.map(({ _id }) => _id));
    for (const { _id } of records) this.waiting.delete(_id);
  }

  private warningOf(contact: Contact): Message | undefined {
    return texts.likeness(contact, this.ownerName, this.parts.access.list("approved"));
  }

  private when(): texts.When {
    return { now: this.parts.clock(), timezone: this.parts.timezone };
  }

  private wake(at: number): void {
    if (this.stopped || (this.timer !== undefined && this.timer.at <= at)) return;
    this.timer?.cancel();
    const cancel = this.parts.scheduler.at(at, () => {
      this.timer = undefined;
      void this.flush();
    });
    this.timer = { at, cancel };
  }
}

/** The outbox's key of a notice that goes out by itself. */
function keyOf({ _id, at }: Pick<WaitingRecord, "_id" | "at">): string {
  // A change of addresses comes once; the same sender may enter, or the same alarm come, again.
  return _id.startsWith(`notice:waiting:${LEARNED}`) ? _id : `${_id}:${at}`;
}

function digestKey(batch: string): string {
  return `notice:digest:${batch}`;
}

function newsOf(message: Message): About {
  return { kind: "news", message };
}

function shownOf({ _id, episode, name }: Contact): Shown {
  return { contactId: _id, episode, name };
}
