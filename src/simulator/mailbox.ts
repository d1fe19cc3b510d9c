import { normalizeMessageContent, proto } from "@whiskeysockets/baileys";
import { Watch } from "./watch.js";

/** One message as a person sees it on their phone. */
export interface Received {
  readonly id: string;
  /** When it arrived, milliseconds since 1970. */
  readonly at: number;
  /** The chat's address: the other person, or the group. For a copy of an own companion's message: whom it went to. */
  readonly chat: string;
  /** The author's address (without a device), fit for quoting. */
  readonly participant: string;
  /** The device that wrote it; 0 is a phone. */
  readonly device: number;
  /** Written by the phone's own account, on another device. */
  readonly own: boolean;
  /** The content, decrypted, with the device-sent wrapper taken off. */
  readonly message: proto.IMessage;
  /** Text or caption, with every wrapper taken off; "" for other content. */
  readonly text: string;
  readonly reaction?: { readonly emoji: string; readonly target: string };
  readonly edits?: string;
  readonly revokes?: string;
  readonly quotes?: string;
  /** Which retry brought it; 0 is the first try. */
  readonly retries: number;
}

/** A receipt that a companion sent to this phone. */
export interface ReceivedReceipt {
  readonly at: number;
  readonly ids: readonly string[];
  /** "" means delivered. */
  readonly type: string;
}

/** How much a phone keeps; a burst of a hundred thousand strangers must not fill the memory. */
const KEPT = 5000;

/** What reached one phone. A message id counts once, however often it comes. */
export class Mailbox {
  readonly inbox: Received[] = [];
  readonly receipts: ReceivedReceipt[] = [];
  /** What could not be decrypted or broke the rules, in words. */
  readonly troubles: string[] = [];
  readonly #untaken: Received[] = [];
  readonly #seen = new Set<string>();
  readonly #label: () => string;
  #watch: Watch | undefined;
  #reported = 0;

  constructor(label: () => string) {
    this.#label = label;
  }

  /** @returns false for a message that came before. */
  deliver(received: Received): boolean {
    const key = `${received.participant} ${received.id}`;
    if (this.#seen.has(key)) {
      return false;
    }
    this.#seen.add(key);
    this.inbox.push(received);
    this.#untaken.push(received);
    this.#trim();
    this.#watch?.changed();
    return true;
  }

  receipt(receipt: ReceivedReceipt): void {
    this.receipts.push(receipt);
    this.#watch?.changed();
  }

  trouble(words: string): void {
    this.troubles.push(words);
    this.#watch?.changed();
  }

  /** Takes the first message that fits and was not taken before. */
  next(fits: (received: Received) => boolean, timeoutMs?: number): Promise<Received> {
    this.#watch ??= new Watch();
    const probe = (): Received | undefined => {
      const at = this.#untaken.findIndex(fits);
      if (at >= 0) {
        return this.#untaken.splice(at, 1)[0];
      }
      const trouble = this.troubles[this.#reported];
      if (trouble !== undefined) {
        this.#reported += 1;
        throw new Error(trouble);
      }
      return undefined;
    };
    return this.#watch.until(probe, () => this.#complaint(), timeoutMs);
  }

  /** Resolves with the first receipt that fits. */
  nextReceipt(fits: (receipt: ReceivedReceipt) => boolean, timeoutMs?: number): Promise<ReceivedReceipt> {
    this.#watch ??= new Watch();
    return this.#watch.until(
      () => this.receipts.find(fits),
      () => this.#complaint(),
      timeoutMs,
    );
  }

  clear(): void {
    this.inbox.length = 0;
    this.receipts.length = 0;
    this.#untaken.length = 0;
  }

  #trim(): void {
    if (this.inbox.length > 2 * KEPT) {
      this.inbox.splice(0, KEPT);
      this.#untaken.splice(0, Math.max(0, this.#untaken.length - KEPT));
      const old = [...this.#seen].slice(0, KEPT);
      for (const key of old) {
        this.#seen.delete(key);
      }
    }
  }

  #complaint(): string {
    const texts = this.#untaken.map((received) => JSON.stringify(received.text || Object.keys(received.message)));
    return `Nothing that fits reached ${this.#label()}. Not taken yet: ${texts.join(", ") || "nothing"}.`;
  }
}

/** What a message says, for people and tests: wrappers off. */
export function describe(
  message: proto.IMessage,
): Pick<Received, "text" | "reaction" | "edits" | "revokes" | "quotes"> {
  const content = normalizeMessageContent(message) ?? {};
  const context = content.extendedTextMessage?.contextInfo;
  const protocol = content.protocolMessage;
  const edited = protocol?.editedMessage;
  const target = protocol?.key?.id;
  return {
    text: (edited ? textOf(normalizeMessageContent(edited)) : undefined) ?? textOf(content) ?? "",
    ...(content.reactionMessage?.key?.id
      ? { reaction: { emoji: content.reactionMessage.text ?? "", target: content.reactionMessage.key.id } }
      : {}),
    ...(edited && target ? { edits: target } : {}),
    ...(protocol && !edited && protocol.type === proto.Message.ProtocolMessage.Type.REVOKE && target
      ? { revokes: target }
      : {}),
    ...(context?.stanzaId ? { quotes: context.stanzaId } : {}),
  };
}

function textOf(content: proto.IMessage | undefined): string | undefined {
  return (
    content?.conversation ??
    content?.extendedTextMessage?.text ??
    content?.imageMessage?.caption ??
    content?.videoMessage?.caption ??
    content?.documentMessage?.caption ??
    undefined
  );
}
