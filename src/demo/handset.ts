import type { Addressing, Phone } from "../simulator/index.js";
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
    const travel = { addressing: this.addressing, ...(caption === "" ? {} : { caption }) };
    const { id } = await this.phone.sendMedia(this.bot, { kind: "image", ...travel });
    this.sent.push({ id, at, text: caption, picture: true });
    this.onDeed(this.character, { kind: "picture", text: caption });
  }

  /** The chat, oldest first. */
  chat(): readonly Bubble[] {
    const { inbox, receipts } = this.phone;
    const texts = new Map(this.sent.map(({ id, text }) => [id, { mine: true, text }]));
    const edits = new Map<string, string>();
    const deleted = new Set<string>();
    const botReacted = new Map<string, string>();
    for (const { id, text, edits: edited, revokes, reaction } of inbox) {
      if (edited !== undefined) edits.set(edited, text);
      else if (revokes !== undefined) deleted.add(revokes);
      else if (reaction) botReacted.set(reaction.target, reaction.emoji);
      else texts.set(id, { mine: false, text });
    }
    const delivered = new Set(receipts.flatMap(({ ids, type }) => (type === "" ? ids : [])));
    const read = new Set(receipts.flatMap(({ ids, type }) => (type === "read" ? ids : [])));
    const common = (id: string, text: string, quotes?: string) => {
      const quote = quotes === undefined ? undefined : texts.get(quotes);
      const reacted = this.reacted.get(id) ?? "";
      return {
        id,
        text: edits.get(id) ?? text,
        edited: edits.has(id),
        deleted: deleted.has(id),
        reacted,
        reactions: [reacted, botReacted.get(id) ?? ""].filter((emoji) => emoji !== ""),
        ...(quote ? { quote } : {}),
      };
    };
    const mine = this.sent.map(({ id, at, text, picture, quotes }): Bubble => {
      const ticks = read.has(id) ? "read" : delivered.has(id) ? "delivered" : "sent";
      return { at, mine: true, picture, ticks, ...common(id, text, quotes) };
    });
    const others = inbox
      .filter(({ edits: edited, revokes, reaction }) => edited === undefined && revokes === undefined && !reaction)
      .map(({ id, at, text, quotes, message }): Bubble => {
        return { at, mine: false, picture: Boolean(message.imageMessage), ...common(id, text, quotes) };
      });
    return [...mine, ...others].sort((one, other) => one.at - other.at).slice(-SHOWN);
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
