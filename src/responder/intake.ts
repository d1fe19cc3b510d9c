import type { Contact } from "../access/types.js";
import { isStale } from "../clock.js";
import { present } from "../present.js";
import type { Message } from "../text.js";
import { describe } from "../whatsapp/describe.js";
import type { Inbound } from "../whatsapp/types.js";
import { type ConversationBook, OWNER, type Who } from "./book.js";
import type { Kept, MediaContent, MediaStore, NotKept } from "./media.js";
import { isHeldBack, modeOf } from "./mode.js";
import type { ResponderParts } from "./parts.js";
import type { Change, Relay } from "./relay.js";
import { inWords } from "./senses.js";
import { fileNotKept } from "./texts.js";
import type { Turns } from "./turns.js";
import { letGo, letGoOverdue } from "./unanswered.js";

/** A burst of 30 messages is answered without waiting for its end, so that what waits is bounded. */
const LONGEST_BURST = 30;

/** Takes in what buddies and the owner write: once, with its file, to wait for its turn. */
export class Intake {
  constructor(
    private readonly book: ConversationBook,
    private readonly media: MediaStore,
    private readonly relay: Relay,
    private readonly turns: Turns,
    private readonly parts: ResponderParts,
    private readonly stopping: AbortSignal,
  ) {}

  /** A buddy's message. */
  async fromBuddy(message: Inbound, buddy: Contact): Promise<void> {
    if (modeOf(this.parts) === "off") return;
    if (this.book.knows(message.journalId)) return;
    const { content } = message;
    if (content.kind === "edit" || content.kind === "revoke") {
      const isTaken = await this.change(buddy._id, content);
      // A relay passes on what was edited later; a model does not answer twice.
      const isNews = !isTaken && content.kind === "edit" && modeOf(this.parts) === "relay";
      return isNews ? this.take(message, buddy._id) : undefined;
    }
    const kept = content.kind === "media" ? await this.keep(message, content, buddy) : undefined;
    await this.take(message, buddy._id, kept);
  }

  /** The owner's message, as the responder promises. */
  async fromOwner(message: Inbound): Promise<Message | "taken" | "unmeant"> {
    const { access, settings, serverNow } = this.parts;
    const { content } = message;
    if (content.kind === "edit" || content.kind === "revoke") {
      return (await this.change(OWNER, content)) ? "taken" : this.relay.changed(message, content);
    }
    const turn = message.quotes === undefined ? undefined : this.book.relayed(message.quotes);
    if (turn) return this.relay.back(message, turn);
    const isSelf = access.owner()?.setup === "self";
    const isTalk = content.kind === "text" || content.kind === "media";
    if (
      modeOf(this.parts) !== "model" ||
      !isTalk ||
      (isSelf && !settings.selfChat) ||
      isStale(message.at, serverNow())
    ) {
      return "unmeant";
    }
    await this.take(message, OWNER);
    return "taken";
  }

  /** Keeps a buddy's file; where that can't be done, the owner is told why. */
  private async keep(message: Inbound, content: MediaContent, buddy: Contact): Promise<Kept | NotKept> {
    const kept = await this.media.keep(message, content, buddy, this.stopping);
    if (typeof kept === "string") {
      const { mediaLimit } = this.parts.settings;
      await this.parts.tell(`file:${kept}:${buddy._id}`, fileNotKept(buddy, kept, mediaLimit));
    }
    return kept;
  }

  /** What waits is edited or deleted by whoever wrote it. @returns false where none such waits */
  private async change(who: Who, change: Change): Promise<boolean> {
    if (change.kind === "revoke") return this.book.takeBack(who, change.target);
    // What leaves no words to see is no edit.
    const isTaken =
      change.text !== "" && (await this.book.edit(who, change.target, this.parts.access.mask(change.text)));
    if (isTaken) await letGo(this.book.overflow(who), "many", this.book, this.parts);
    return isTaken;
  }

  private async take(message: Inbound, who: Who, kept?: Kept | NotKept): Promise<void> {
    const { journalId, id, at, content, chat, expiration } = message;
    const text = this.parts.access.mask(wordsOf(content, kept));
    const media = content.kind === "media" ? content : undefined;
    const isNew = await this.book.take({
      who,
      state: isHeldBack(who, this.parts) ? "silent" : "due",
      at,
      journalId,
      id,
      text,
      ...(media && typeof kept === "object" ? { file: { ...kept, kind: media.media } } : {}),
      ...(media?.file && kept !== "damaged" && kept !== "gone" ? { media } : {}),
      ...(chat.kind === "person" ? { address: chat.address } : {}),
      ...present({ expiration }),
    });
    if (!isNew) return;
    await letGo(this.book.overflow(who), "many", this.book, this.parts);
    await letGoOverdue(this.book, this.parts);
    // A burst that is long enough ends at once: what waits is bounded.
    if (this.book.due(who).length >= LONGEST_BURST) this.turns.ready(who);
    else this.turns.wrote(who);
  }
}

/** What was written, in words. */
function wordsOf(content: Inbound["content"], kept: Kept | NotKept | undefined): string {
  if (content.kind === "text") return content.text;
  if (content.kind === "edit") return `✏️ ${content.text}`;
  if (content.kind === "media") return inWords(content, kept);
  const card = content.kind === "other" && content.card ? `: ${content.card}` : "";
  return `[${describe(content)}${card}]`;
}
