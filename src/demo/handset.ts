import { readFile } from "node:fs/promises";
import type { Addressing, Phone, Received } from "../simulator/index.js";
import type { Character } from "./cast.js";

/** One message as the phone shows it. */
export interface Bubble {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly mine: boolean;
  readonly text: string;
  readonly picture: boolean;
  readonly quote?: { readonly mine: boolean; readonly text: string };
  /** What stands under it: the own reaction and the bot's. */
  readonly reactions: readonly string[];
  /** What this phone reacted with; "" for nothing. */
  readonly reacted: string;
  /** How far an own message came: to WhatsApp, to the bot, read by the bot. */
  readonly ticks?: "sent" | "delivered" | "read";
  readonly edited: boolean;
  readonly deleted: boolean;
}

/** Something that a person did on their phone. */
export type Deed =
  | { readonly kind: "text"; readonly text: string; readonly quoted?: string }
  | { readonly kind: "reaction"; readonly emoji: string; readonly to: string }
  | { readonly kind: "picture"; readonly text: string };

interface Sent {
  readonly id: string;
  readonly at: number;
  readonly text: string;
  readonly picture: boolean;
  readonly quotes?: string;
}

/** What people send here when they send a picture. */
const PICTURE = new URL("../../templates/demo/assets/picture.jpg", import.meta.url);
/** So many bubbles are shown; what is older is scrolled away. */
const SHOWN = 200;

/** A simulated phone with its chat with the bot on the screen. */
export class Handset {
  /** Whether the chat is addressed by number or by LID. */
  addressing: Addressing = "lid";
  private readonly sent: Sent[] = [];
  private readonly reacted = new Map<string, string>();

  /**
   * @param onDeed hears of everything that is done on the phone
   */
  constructor(
    readonly character: Character,
    readonly phone: Phone,
    private readonly bot: Phone,
    private readonly onDeed: (character: Character, deed: Deed) => void,
  ) {}

  /** Writes to the bot. @param quotes the id of a bubble that is answered */
  async write(text: string, quotes?: string): Promise<void> {
    const at = Date.now();
    const quoted = quotes === undefined ? undefined : this.find(quotes);
    const quote = quoted && { id: quoted.id, text: quoted.text, participant: this.authorOf(quoted) };
    const { id } = await this.phone.send(this.bot, text, { addressing: this.addressing, ...(quote ? { quote } : {}) });
    this.sent.push({ id, at, text, picture: false, ...(quote ? { quotes: quote.id } : {}) });
    this.onDeed(this.character, { kind: "text", text, ...(quote ? { quoted: quote.text } : {}) });
  }

  /** Reacts to a bubble; the same reaction once more takes it back. */
  async react(id: string, emoji: string): Promise<void> {
    const target = this.find(id);
    if (target === undefined) return;
    const wanted = target.reacted === emoji ? "" : emoji;
    await this.phone.react(this.bot, id, wanted, { addressing: this.addressing, fromMe: target.mine });
    this.reacted.set(id, wanted);
    this.onDeed(this.character, { kind: "reaction", emoji: wanted, to: target.text });
  }

  /** Sends the demo's picture. */
  async sendPicture(caption: string): Promise<void> {
    const at = Date.now();
    const bytes = await readFile(PICTURE);
    const travel = { addressing: this.addressing, ...(caption === "" ? {} : { caption }) };
    const { id } = await this.phone.sendMedia(this.bot, { kind: "image", bytes, ...travel });
    this.sent.push({ id, at, text: caption, picture: true });
    this.onDeed(this.character, { kind: "picture", text: caption });
  }

  /** The chat, oldest first. */
  chat(): readonly Bubble[] {
    const { inbox, receipts } = this.phone;
    const messages = inbox.filter(isMessage);
    const spoken = new Map<string, { mine: boolean; text: string }>([
      ...this.sent.map(({ id, text }) => [id, { mine: true, text }] as const),
      ...messages.map((received) => [received.id, { mine: false, text: shownText(received) }] as const),
    ]);
    const edits = new Map(inbox.flatMap(({ edits, text }) => (edits === undefined ? [] : [[edits, text] as const])));
    const deleted = new Set(inbox.map(({ revokes }) => revokes));
    const reactions = new Map(
      inbox.flatMap(({ reaction }) => (reaction ? [[reaction.target, reaction.emoji] as const] : [])),
    );
    const ticked = (wanted: string) => new Set(receipts.flatMap(({ ids, type }) => (type === wanted ? ids : [])));
    const [delivered, read] = [ticked(""), ticked("read")];
    const bubble = (id: string, at: number, quotes: string | undefined, picture = false): Bubble => {
      const { mine, text } = spoken.get(id) ?? { mine: false, text: "" };
      const quote = quotes === undefined ? undefined : spoken.get(quotes);
      const reacted = this.reacted.get(id) ?? "";
      const ticks = read.has(id) ? "read" : delivered.has(id) ? "delivered" : "sent";
      return {
        id,
        at,
        mine,
        picture,
        text: edits.get(id) ?? text,
        edited: edits.has(id),
        deleted: deleted.has(id),
        reacted,
        reactions: [reacted, reactions.get(id) ?? ""].filter((emoji) => emoji !== ""),
        ...(quote ? { quote } : {}),
        ...(mine ? { ticks } : {}),
      };
    };
    return [
      ...this.sent.map(({ id, at, quotes, picture }) => bubble(id, at, quotes, picture)),
      ...messages.map(({ id, at, quotes }) => bubble(id, at, quotes)),
    ]
      .sort((one, other) => one.at - other.at)
      .slice(-SHOWN);
  }

  /** The last message from the bot that fits. */
  heard(fits: (bubble: Bubble) => boolean): Bubble | undefined {
    return this.chat().findLast((bubble) => !bubble.mine && fits(bubble));
  }

  private find(id: string): Bubble | undefined {
    return this.chat().find((bubble) => bubble.id === id && !bubble.deleted);
  }

  private authorOf({ mine }: Bubble): string {
    const author = mine ? this.phone : this.bot;
    return this.addressing === "pn" ? author.pnJid : author.lidJid;
  }
}

/** Something that stands in a chat by itself. */
function isMessage({ edits, revokes, reaction }: Received): boolean {
  return edits === undefined && revokes === undefined && reaction === undefined;
}

/** What reached a phone, in words; a reaction and a file too. */
export function shownText({ text, reaction, message }: Received): string {
  if (reaction) return reaction.emoji === "" ? "takes a reaction back" : `reacts with ${reaction.emoji}`;
  const { imageMessage, videoMessage, audioMessage, documentMessage } = message;
  return (imageMessage ?? videoMessage ?? audioMessage ?? documentMessage) ? `[a file] ${text}` : text;
}
