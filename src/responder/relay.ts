import { identityOf, type Person } from "../access/identity.js";
import type { Contact } from "../access/types.js";
import { isStale } from "../clock.js";
import { present } from "../present.js";
import { type Message, renderWhatsApp } from "../text.js";
import type { Content, Inbound } from "../whatsapp/types.js";
import type { ConversationBook, TurnDoc, WaitingDoc, Who } from "./book.js";
import type { ResponderParts } from "./parts.js";
import * as texts from "./texts.js";

/** What somebody does to a message of theirs. */
export type Change = Extract<Content, { kind: "edit" | "revoke" }>;

/** The outbox's key of an owner's reply, before the reply's journal id. */
const REPLY = "relay-back:";

/** Is a parcel with this key of the outbox an owner's reply to a relayed message? */
export function isRelayedReply(key: string | undefined): boolean {
  return key?.startsWith(REPLY) === true;
}

/** Without a model, on a number of the bot's own: buddies' words come to the admin chat, and the owner's quoted replies go back. */
export class Relay {
  constructor(
    private readonly book: ConversationBook,
    private readonly parts: Pick<ResponderParts, "access" | "outbox" | "silent" | "serverNow">,
  ) {}

  /** Keeps what is to go to the owner. */
  forward(who: Who, contact: Contact, burst: readonly WaitingDoc[], owner: Person): Promise<TurnDoc> {
    const expiration = burst.at(-1)?.expiration;
    const media = burst.flatMap(({ journalId, media: content }) => (content ? [{ journalId, content }] : []));
    return this.book.commit({
      who,
      answers: burst.map(({ journalId }) => journalId),
      said: "",
      answer: renderWhatsApp(
        texts.relayed(
          contact,
          burst.map(({ text }) => text),
        ),
      ),
      relay: true,
      ...(media.length === 0 ? {} : { media }),
      to: owner,
      ...present({ expiration }),
    });
  }

  /** The owner's quoted reply to a relayed message goes to the buddy. @returns what to tell the owner where it can't */
  async back(message: Inbound, turn: TurnDoc): Promise<Message | "taken"> {
    const { access, outbox } = this.parts;
    const key = `${REPLY}${message.journalId}`;
    // After a crash the message comes again: what is in the outbox already was judged then.
    const problem = outbox.withKey(key) ? undefined : await this.reply(message, turn, key);
    if (problem !== undefined) return problem;
    const owner = access.owner()?.person ?? message.sender;
    await outbox.post({
      kind: "reaction",
      to: owner,
      ...(message.chat.kind === "person" ? { address: message.chat.address } : {}),
      emoji: "✅",
      target: { id: message.id, fromMe: message.fromMe },
      key: `relayed:${message.journalId}`,
    });
    return "taken";
  }

  /** The owner edits or deletes a reply to a buddy, which changes nothing there. @returns what to tell the owner */
  changed({ journalId }: Inbound, { kind, target }: Change): Message | "unmeant" {
    const { access, outbox } = this.parts;
    // A journal id is who wrote it, a slash, and WhatsApp's id.
    const sender = journalId.slice(0, journalId.indexOf("/"));
    const posted = outbox.withKey(`${REPLY}${sender}/${target}`);
    return posted ? texts.notChanged(access.find(posted.to), kind, posted.isLost) : "unmeant";
  }

  private async reply(message: Inbound, turn: TurnDoc, key: string): Promise<Message | undefined> {
    const { access, outbox, silent, serverNow } = this.parts;
    const contact = access.byId(turn.who);
    if (contact?.state !== "approved") return texts.notRelayed(contact, "gone");
    const { content } = message;
    const file = content.kind === "media" ? content.file : undefined;
    if (content.kind !== "text" && file === undefined) return texts.notRelayed(contact, "empty");
    if (isStale(message.at, serverNow())) return texts.notRelayed(contact, "old");
    if (silent()) return texts.notRelayed(contact, "silent");
    const { expiration } = turn;
    const place = { to: identityOf(contact), key, ...present({ expiration }) };
    if (content.kind === "text") await outbox.post({ kind: "text", text: content.text, ...place });
    if (content.kind === "media" && file) await outbox.post({ ...content, file, ...place });
    return undefined;
  }
}
