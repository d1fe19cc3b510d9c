import { type Access, lastChange, lastStanding, UNDO_WINDOW_MS } from "../access/index.js";
import type { Contact } from "../access/types.js";
import { KafclawError } from "../errors.js";
import { present } from "../present.js";
import { own, say } from "../text.js";
import type { Content } from "../whatsapp/types.js";
import { approveOne } from "./commands/approve.js";
import { denyOne } from "./commands/deny.js";
import { undone } from "./commands/undo.js";
import type { Notices } from "./notices.js";
import { readReaction } from "./read.js";
import type { SentRecord } from "./records.js";
import type { Meant, SentNotices } from "./sent.js";
import type { CommandContext, Said } from "./types.js";
import { label, stack } from "./words.js";

type Decides = "approve" | "deny";
type Way = "quote" | "reaction";
type Reaction = Extract<Content, { kind: "reaction" }>;

/** One answer of the owner to a notice. */
interface Answer {
  readonly context: CommandContext;
  /** The answer's journal id. */
  readonly cause: string;
  /** It came too late to approve anybody (I11). */
  readonly isStale: boolean;
}

/** Answers to notices: reactions and quoted replies, matched by message id in our own record of notices. */
export class Answers {
  constructor(private readonly parts: { readonly access: Access; readonly notices: Notices }) {}

  /** Whom a command that quotes this message means, or why it means nobody. @param cause the command's journal id */
  quoted(
    sent: SentNotices,
    messageId: string,
    cause: string,
  ): Pick<CommandContext, "quoted" | "unquotable" | "quotedDecision"> {
    const record = sent.find(messageId);
    if (record === undefined) return { unquotable: NO_NOTICE };
    const meant = sent.meant(record, cause);
    const contact = this.contactOf(record);
    // Where nothing stands it is the taking back, which is none to take back: never the last decision about somebody else.
    const quotedDecision = contact && (lastStanding(contact) ?? lastChange(contact))?.id;
    switch (meant.kind) {
      case "pending":
      case "auto":
        return { quoted: meant.contact, ...present({ quotedDecision }) };
      case "digest":
        return { unquotable: DIGEST };
      case "over":
        return { unquotable: meant.why, ...present({ quotedDecision }) };
      case "news":
        return { unquotable: NO_NOTICE };
    }
  }

  /** A yes or no, which counts where it quotes a notice. `whom` where nothing says who is meant. */
  async quote(answer: Answer, quotes: string | undefined, decides: Decides): Promise<Said | "whom"> {
    const sent = await this.parts.notices.sent();
    const record = quotes === undefined ? undefined : sent.find(quotes);
    if (record === undefined) return "whom";
    const contact = this.contactOf(record);
    const isAgain = contact !== undefined && lastChange(contact)?.by.cause === answer.cause;
    if (isAgain && record.form === "auto") return this.confirm(answer, sent, record, contact, "quote");
    const meant = sent.meant(record, answer.cause);
    return meant.kind === "news" ? "whom" : this.decide(answer, sent, record, meant, decides, "quote");
  }

  /** What is no yes or no, but quotes the notice of somebody who waits: nobody else is to answer it as if it decided. */
  async unclear(quotes: string | undefined): Promise<Said | undefined> {
    const sent = await this.parts.notices.sent();
    const record = quotes === undefined ? undefined : sent.find(quotes);
    const [contact, ...others] = record === undefined ? [] : sent.waitingOf(record);
    if (contact === undefined) return undefined;
    if (others.length > 0) return { message: DIGEST };
    const how = own(`/approve ${contact.code} or /deny ${contact.code}`);
    return { message: say`Yes or no about ${label(contact)}? Nothing changed, and they hear nothing of this: ${how}.` };
  }

  /** A reaction to anything in the chat; those to other messages than notices mean nothing. */
  async reaction(answer: Answer, { target, emoji }: Reaction): Promise<Said | undefined> {
    const sent = await this.parts.notices.sent();
    const record = sent.find(target);
    if (record === undefined) return undefined;
    const decides = readReaction(emoji);
    const { reaction: before, decisionId } = record;
    const contact = this.contactOf(record);
    // What a crash or the disk kept from its answer is answered when it comes again.
    const isAgain = contact !== undefined && lastChange(contact)?.by.cause === answer.cause;
    if (isAgain && record.form === "auto") return this.confirm(answer, sent, record, contact, "reaction");
    if (isAgain && decides === "gone")
      return undone(await answer.context.decider.undo(answer.context.by), answer.context);
    if (before !== undefined && decisionId !== undefined && !(isAgain && decides === before)) {
      if (decides === before) return undefined;
      if (record.form !== "auto") {
        return this.takeBack(answer, sent, record, decisionId, decides === "gone" ? undefined : decides);
      }
      // Nobody is let in by just any emoji.
      return decides === undefined ? undefined : this.letInAgain(answer, sent, record);
    }
    if (decides === undefined || decides === "gone") return undefined;
    const meant = sent.meant(record, answer.cause);
    return meant.kind === "news" ? undefined : this.decide(answer, sent, record, meant, decides, "reaction");
  }

  private async decide(
    { context, cause, isStale }: Answer,
    sent: SentNotices,
    record: SentRecord,
    meant: Exclude<Meant, { kind: "news" }>,
    decides: Decides,
    way: Way,
  ): Promise<Said> {
    switch (meant.kind) {
      case "digest":
        return { message: DIGEST };
      case "over":
        return { message: meant.why };
      case "auto":
        if (decides === "approve") return { message: sent.whoDecided(meant.contact) };
        if (isStale) return late(meant.contact, "👎");
        return this.keepOut(context, sent, record, way);
      case "pending": {
        const { contact } = meant;
        // What it did in time is only said again.
        const last = lastChange(contact);
        const isDone = last?.by.cause === cause && last.action === decides;
        if (isStale && decides === "approve" && !isDone) return late(contact, way === "reaction" ? "👍" : "yes");
        const { episode } = contact;
        const done =
          decides === "approve"
            ? await approveOne(contact, context, { episode })
            : await denyOne(contact, context, { expect: { episode } });
        if (way === "reaction") await this.remember(sent, record, contact, decides);
        return done;
      }
    }
  }

  /** A reaction was taken away or swapped: its decision goes, and the new one takes its place. */
  private async takeBack(
    answer: Answer,
    sent: SentNotices,
    record: SentRecord,
    decisionId: string,
    next: Decides | undefined,
  ): Promise<Said> {
    const { decisionId: _decision, reaction: _reaction, ...without } = record;
    const contact = this.contactOf(record);
    if (contact === undefined) return { message: NO_NOTICE };
    const { context, cause, isStale } = answer;
    const isOurs = lastChange(contact)?.by.cause === cause;
    if (lastStanding(contact)?.id !== decisionId && !isOurs) {
      // Decided otherwise since. A new reaction counts where that was an undo and the episode goes on.
      await sent.put(without);
      const now = sent.meant(without, cause);
      return next !== undefined && now.kind === "pending"
        ? this.decide(answer, sent, without, now, next, "reaction")
        : { message: sent.whoDecided(contact) };
    }
    if (isStale && !isOurs) return late(contact, "the change of your reaction");
    const undoing = undone(await this.undo(context, contact, decisionId), context);
    await sent.put(without);
    const meant = sent.meant(without, cause);
    if (next === undefined || meant.kind !== "pending") return undoing;
    const decided = await this.decide(answer, sent, without, meant, next, "reaction");
    return { message: stack([undoing.message, decided.message]) };
  }

  /** Says again what an answer to the notice of an approval by invite has done. */
  private async confirm(
    { context }: Answer,
    sent: SentNotices,
    record: SentRecord,
    contact: Contact,
    way: Way,
  ): Promise<Said> {
    if (lastChange(contact)?.action === "undo") return this.keepOut(context, sent, record, way);
    const { reaction: _, ...without } = record;
    const done = await approveOne(contact, context);
    await sent.put(without);
    return done;
  }

  /** Takes back an approval by invite. */
  private async keepOut(context: CommandContext, sent: SentNotices, record: SentRecord, way: Way): Promise<Said> {
    const done = undone(await context.decider.undo(context.by, record.decisionId), context);
    if (way === "reaction") await sent.put({ ...record, reaction: "deny" });
    return done;
  }

  /** The 👎 that took back an approval by invite was taken away or swapped. */
  private async letInAgain({ context, isStale }: Answer, sent: SentNotices, record: SentRecord): Promise<Said> {
    const { reaction: _, ...without } = record;
    const contact = this.contactOf(record);
    const last = contact && lastChange(contact);
    if (contact === undefined || last === undefined) return { message: NO_NOTICE };
    const isTakenBack = last.undoes === record.decisionId && context.clock() - last.at <= UNDO_WINDOW_MS;
    if (isTakenBack && isStale) return late(contact, "the change of your reaction");
    const done = isTakenBack ? await approveOne(contact, context) : { message: sent.whoDecided(contact) };
    await sent.put(without);
    return done;
  }

  private async undo(context: CommandContext, contact: Contact, decisionId: string) {
    try {
      return await context.decider.undo(context.by, decisionId);
    } catch (error) {
      if (!(error instanceof KafclawError) || error.code !== "too-late") throw error;
      const now = contact.state === "denied" ? "denied" : "approved";
      const next = now === "denied" ? `/remove ${contact.code}` : `/deny ${contact.code} or /remove ${contact.code}`;
      throw new KafclawError(
        "too-late",
        `A reaction takes its decision back for 10 minutes only, so nothing changed: ${contact.name || "no name"} (${contact.code}) stays ${now}. ${next} changes that.`,
      );
    }
  }

  private async remember(sent: SentNotices, record: SentRecord, contact: Contact, reaction: Decides): Promise<void> {
    const now = this.parts.access.byId(contact._id);
    const decisionId = now && lastChange(now)?.id;
    if (decisionId !== undefined) await sent.put({ ...record, decisionId, reaction });
  }

  private contactOf(record: SentRecord): Contact | undefined {
    const [shown] = record.shown;
    return shown && this.parts.access.byId(shown.contactId);
  }
}

const DIGEST = own(
  "That notice names several senders, so an answer to it decides nothing: use a code, say /approve K7QF, or /pending.",
);
const NO_NOTICE = own(
  "The quoted message is not the notice of somebody who waits: use a code, say /approve K7QF, or /pending.",
);

function late(contact: Contact, what: string): Said {
  const how = own(`/approve ${contact.code} or /deny ${contact.code}`);
  return {
    message: say`${own(what)} about ${label(contact)} reached me more than 15 minutes late, so nothing changed: ${how}.`,
  };
}
