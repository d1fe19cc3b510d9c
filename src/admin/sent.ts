import { same } from "../access/identity.js";
import { type Access, type Clock, episodesOf, lastChange, lastStanding } from "../access/index.js";
import type { Contact, Episode } from "../access/types.js";
import type { Message } from "../text.js";
import { noLonger } from "./notice-texts.js";
import { allOf, type Records, type SentRecord } from "./records.js";
import { whatHappened } from "./words.js";

/** How many notices can still be answered by reaction or quote. */
const KEPT = 500;
/** WhatsApp's timestamps are whole seconds: what one leaves out of its second, at most. */
const ROUNDED_OFF_MS = 999;

/** What a notice says about whom an answer to it means. */
export type Meant =
  /** The episode that it announced lasts. */
  | { readonly kind: "pending"; readonly contact: Contact }
  /** It tells of an approval by invite. */
  | { readonly kind: "auto"; readonly contact: Contact; readonly decisionId: string }
  | { readonly kind: "digest" }
  /** The episode is over, or it never was about somebody; `why` says so to the owner, where there is something to say. */
  | { readonly kind: "over"; readonly why: Message }
  | { readonly kind: "news" };

/** The record of notices that went out: answers are matched with it by message id, never by text. */
export class SentNotices {
  private readonly byMessage = new Map<string, SentRecord>();
  /** Oldest first. */
  private readonly all = new Map<string, SentRecord>();

  private constructor(
    private readonly records: Records,
    private readonly access: Access,
    private readonly clock: Clock,
    private readonly timezone: string,
  ) {}

  static async load(records: Records, access: Access, clock: Clock, timezone: string): Promise<SentNotices> {
    const sent = new SentNotices(records, access, clock, timezone);
    const found = await allOf(records, "sent");
    for (const record of found.sort((a, b) => a.at - b.at)) sent.remember(record);
    return sent;
  }

  /** The notice that went out under this WhatsApp id. */
  find(messageId: string): SentRecord | undefined {
    const record = this.byMessage.get(messageId);
    return record !== undefined && this.isForOwner(record) ? record : undefined;
  }

  /** Whether somebody's present pending episode was announced, by itself or in a digest. */
  announced(contact: Contact): boolean {
    return [...this.all.values()].some(
      (record) =>
        (record.form === "entered" || record.form === "digest") &&
        this.isForOwner(record) &&
        record.shown.some((each) => isPresent(contact, each)),
    );
  }

  /** Whether an approval by invite was told. */
  announcedDecision(decisionId: string): boolean {
    return [...this.all.values()].some((record) => record.form === "auto" && record.decisionId === decisionId);
  }

  async put(record: SentRecord): Promise<void> {
    await this.records.put(record);
    this.remember(record);
    const surplus = [...this.all.keys()].slice(0, Math.max(0, this.all.size - KEPT));
    for (const id of surplus) this.forget(id);
    if (surplus.length > 0) await this.records.remove(surplus);
  }

  /**
   * Whom the owner had been told of at `time` and who still is pending in that episode, by the name that was shown.
   * @param time by WhatsApp's clock, milliseconds since 1970
   * @param hadLeft whether WhatsApp had taken the messages of a notice by then
   */
  shownBefore(time: number, hadLeft: (ids: readonly string[], time: number) => boolean): ReadonlyMap<string, string> {
    const names = new Map<string, string>();
    for (const record of this.all.values()) {
      if (record.at > time + ROUNDED_OFF_MS || !this.isForOwner(record) || !hadLeft(record.ids, time + ROUNDED_OFF_MS))
        continue;
      for (const shown of record.shown) {
        for (const { _id } of waitingIn(this.access, [shown])) names.set(_id, shown.name);
      }
    }
    return names;
  }

  /**
   * Whom an answer to the notice means now.
   * @param cause the answer's journal id: what it decided itself, before a crash, is still meant
   */
  meant(record: SentRecord, cause: string): Meant {
    const [shown] = record.shown;
    if (record.form === "digest" || record.shown.length > 1) return { kind: "digest" };
    const contact = shown && this.access.byId(shown.contactId);
    if (shown === undefined || contact === undefined) return { kind: "news" };
    const { decisionId } = record;
    if (record.form === "auto" && decisionId !== undefined && lastStanding(contact)?.id === decisionId) {
      return { kind: "auto", contact, decisionId };
    }
    const isPending = this.waitingOf(record).length > 0;
    if (record.form !== "auto" && (isPending || lastChange(contact)?.by.cause === cause)) {
      return { kind: "pending", contact };
    }
    return { kind: "over", why: this.whoDecided(contact) };
  }

  /** Whom the notice names and who are pending still in the episode that it tells of. */
  waitingOf({ shown }: SentRecord): readonly Contact[] {
    return waitingIn(this.access, shown);
  }

  /** `Nothing changed: Alice (K7QF) was approved on the dashboard, 14:03. …` */
  whoDecided(contact: Contact): Message {
    const last = lastChange(contact);
    const what = last === undefined ? { parts: [] } : whatHappened(last, this.clock(), this.timezone);
    return noLonger(contact, what);
  }

  /** Another owner must not answer the former one's notices. */
  private isForOwner(record: SentRecord): boolean {
    const owner = this.access.owner();
    return owner !== undefined && same(owner.person, record.to);
  }

  private remember(record: SentRecord): void {
    this.all.set(record._id, record);
    for (const id of record.ids) this.byMessage.set(id, record);
  }

  private forget(id: string): void {
    for (const messageId of this.all.get(id)?.ids ?? []) this.byMessage.delete(messageId);
    this.all.delete(id);
  }
}

/** Who is pending still in one of these episodes: two records that turned out to be one person wait once. */
export function waitingIn(access: Access, episodes: readonly Episode[]): readonly Contact[] {
  const waiting = episodes.flatMap((episode) => {
    const contact = access.byId(episode.contactId);
    return contact?.state === "pending" && isPresent(contact, episode) ? [contact] : [];
  });
  return [...new Set(waiting)];
}

/** Whether an episode is the one that a contact is, or was last, pending in. */
function isPresent(contact: Contact, { contactId, episode }: Episode): boolean {
  return episodesOf(contact).some((each) => each.contactId === contactId && each.episode === episode);
}
