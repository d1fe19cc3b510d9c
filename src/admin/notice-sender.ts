import { same } from "../access/identity.js";
import { type Access, type Clock, isObeyed, UNDO_WINDOW_MS } from "../access/index.js";
import type { Contact } from "../access/types.js";
import { isWithin, MINUTE, type Scheduler } from "../clock.js";
import type { QuietHours } from "../config.js";
import { present } from "../present.js";
import { type Message, own, renderWhatsApp } from "../text.js";
import type { Outbox } from "../whatsapp/types.js";
import type { NoticeBook } from "./notice-book.js";
import * as texts from "./notice-texts.js";
import { quietUntil } from "./quiet.js";
import type { Records, SentRecord, Shown, WaitingRecord } from "./records.js";
import { waitingIn } from "./sent.js";
import type { Gateway } from "./types.js";
import { formatTime, stack } from "./words.js";

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
  readonly log: { error(details: object, message: string): void; warn(details: object, message: string): void };
}

/** Notices in one minute that come one by one; what is more becomes a digest. */
const IN_A_MINUTE = 5;
/** How long to wait before looking again whether the link is open, or the disk writable. */
const LOOK_AGAIN_MS = 10_000;
/** News that waited for longer tells of when it is. */
const NEW_FOR_MS = 10 * MINUTE;
/** Begins the keys of news about addresses. */
export const LEARNED = "news:learned:";

/** Sends what waits in the book: when there is an owner, the link is open and no quiet hours hold it. */
export class NoticeSender {
  /** The minute that counts for batching. `overflowed`: some had to wait for its end. */
  private minute = { start: Number.NEGATIVE_INFINITY, count: 0, overflowed: false };
  private work: Promise<void> = Promise.resolve();
  private timer: { readonly at: number; readonly cancel: () => void } | undefined;
  private stopped = false;

  constructor(
    private readonly parts: NoticesParts,
    private readonly book: NoticeBook,
  ) {}

  /** Sends what can be sent now, and comes back for the rest. Never throws: what can't be written waits. */
  flush(): Promise<void> {
    return this.inTurn(() => this.send());
  }

  /** Waits for what is on its way, as an answer can be very quick. */
  catchUp(): Promise<void> {
    return this.inTurn(() => this.finish());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.work;
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

  private async send(): Promise<void> {
    const { access, gateway, clock, quiet, timezone, outbox } = this.parts;
    await this.book.load();
    await this.book.writeKept();
    const owner = access.owner();
    await this.finish();
    await this.book.drop(this.book.inOrder().filter((record) => !this.isNews(record)));
    if (outbox === undefined || !isObeyed(owner)) return;
    if (this.book.isEmpty) return;
    if (gateway.link().code !== "open") return this.wake(clock() + LOOK_AGAIN_MS);

    await this.sendAll(({ alarm }) => alarm);
    if (this.book.isEmpty) return;
    const morning = quietUntil(clock(), quiet, timezone);
    if (morning !== undefined) return this.wake(morning);
    // Bundles that a crash left: they go out as what they were.
    await this.sendAll(({ batch }) => batch !== undefined);
    await this.sendInTurn(this.book.inOrder());
  }

  /** Records what is in the outbox already, where a crash or the disk kept that: an answer to it may be quicker than the link. */
  private async finish(): Promise<void> {
    const { outbox, access } = this.parts;
    const owner = access.owner();
    if (outbox === undefined || owner === undefined) return;
    await this.book.load();
    await this.sendAll(({ batch, ...record }) => {
      const posted = outbox.withKey(batch === undefined ? keyOf(record) : digestKey(batch));
      return posted !== undefined && same(posted.to, owner.person);
    });
  }

  /** Sends those of what waits that fit: bundles as such, the others one by one. */
  private async sendAll(fits: (record: WaitingRecord) => boolean): Promise<void> {
    const found = this.book.inOrder().filter(fits);
    for (const record of found) if (record.batch === undefined) await this.sendOne(record);
    const batches = new Set(found.flatMap(({ batch }) => (batch === undefined ? [] : [batch])));
    for (const batch of batches)
      await this.sendDigest(
        found.filter((record) => record.batch === batch),
        batch,
      );
  }

  /** One by one while they are few, the others together when the minute is over. */
  private async sendInTurn(rest: readonly WaitingRecord[]): Promise<void> {
    const now = this.parts.clock();
    const isNewMinute = !isWithin(MINUTE, this.minute.start, now);
    const bundle = isNewMinute && rest.length > 1 && (this.minute.overflowed || rest.length > IN_A_MINUTE);
    if (isNewMinute) this.minute = { start: now, count: 0, overflowed: false };
    if (bundle) {
      this.minute.count++;
      return this.sendDigest(rest, `${now}-${this.book.lastOrder}`);
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
      if (contact === undefined || (await this.book.load()).announced(contact)) return this.book.drop([record]);
      const words = wordsFor(contact, about.text);
      const message = texts.newSender(contact, words, this.book.warningOf(contact), this.when());
      await this.post(key, message, "entered", [shownOf(contact)]);
    } else if (about.kind === "auto") {
      const contact = this.parts.access.byId(about.contactId);
      await this.post(key, this.messageOf(record), "auto", contact ? [shownOf(contact)] : [], about.decisionId);
    } else if (about.kind === "expiring") {
      const name = (id: string): string => this.parts.access.byId(id)?.name ?? "";
      const shown = about.episodes.map((episode) => ({ ...episode, name: name(episode.contactId) }));
      await this.post(key, this.messageOf(record), "reminder", shown);
    } else {
      await this.post(key, this.messageOf(record), "news", []);
    }
    await this.book.drop([record]);
  }

  private async sendDigest(records: readonly WaitingRecord[], batch: string): Promise<void> {
    const { access } = this.parts;
    const bundled = await this.book.bundle(records, batch);
    const entered = bundled.flatMap(({ about }) =>
      about.kind === "entered" ? (access.byId(about.contactId) ?? []) : [],
    );
    // Two records that turned out to be one person are one sender.
    const contacts = [...new Set(entered)];
    const news = bundled.flatMap((record) => (record.about.kind === "entered" ? [] : [this.messageOf(record)]));
    const warnings = new Map(
      contacts.slice(0, texts.DIGEST_LENGTH).flatMap((contact) => {
        const warning = this.book.warningOf(contact);
        return warning === undefined ? [] : [[contact._id, warning] as const];
      }),
    );
    const shown = contacts.slice(0, texts.DIGEST_LENGTH).map(shownOf);
    await this.post(digestKey(batch), texts.digest(contacts, warnings, news), "digest", shown);
    await this.book.drop(bundled);
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
    const sent = await this.book.load();
    const _id = `notice:sent:${key}`;
    const at = isMine ? before.at + serverNow() - clock() : serverNow();
    await sent.put({ _id, kind: "sent", ids, to: owner.person, form, shown, at, ...decision });
  }

  /** What a notice says; where it had to wait, what it tells or promises may be over. */
  private messageOf({ about, at }: WaitingRecord): Message {
    if (about.kind === "entered") return { parts: [] };
    if (about.kind === "expiring") return texts.expiring(waitingIn(this.parts.access, about.episodes));
    const { clock, timezone } = this.parts;
    const age = clock() - at;
    if (about.kind === "auto") {
      return age > UNDO_WINDOW_MS ? stack([about.message, own("The 10 minutes are over.")]) : about.message;
    }
    const when = `This is from ${formatTime(at, clock(), timezone)}.`;
    return age > NEW_FOR_MS ? stack([about.message, own(when)]) : about.message;
  }

  /** False where the owner would be told of what is no longer so. */
  private isNews({ about }: WaitingRecord): boolean {
    const { access } = this.parts;
    if (about.kind === "news") return true;
    if (about.kind === "auto") return access.byId(about.contactId)?.state === "approved";
    return waitingIn(access, about.kind === "expiring" ? about.episodes : [about]).length > 0;
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

/** What a new sender said first; what they said last where they deleted or edited that, or it is not held. */
function wordsFor({ history, held }: Contact, text: string): string {
  const cause = history.findLast(({ action }) => action === "enter")?.by.cause;
  const first = held.find(({ journalId }) => journalId === cause);
  return first !== undefined && first.edit === undefined ? text : (held.at(-1)?.preview ?? "");
}

function shownOf({ _id, episode, name }: Contact): Shown {
  return { contactId: _id, episode, name };
}
