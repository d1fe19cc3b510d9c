import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { type BinaryNode, proto } from "@whiskeysockets/baileys";
import type { Logger } from "pino";
import type { Companion } from "./companion.js";
import { SignalParty } from "./signal.js";

/** A message that reached a phone, decrypted. */
export interface Received {
  readonly id: string;
  /** Bare user of the account that sent it. */
  readonly from: string;
  /** The address that it was sent to: this person's PN or LID. */
  readonly to: string;
  readonly message: proto.IMessage;
  /** Its text, where it has one. */
  readonly text: string;
  /** How often it was sent again, for a retry. */
  readonly count: number;
  /** Written by a companion of this very account, and shown here as one's own message. */
  readonly own: boolean;
}

/** How a message is addressed and marked. */
export interface SendOptions {
  readonly addressing?: "pn" | "lid";
  /** Whether the stanza tells the sender's other address too. */
  readonly withAlt?: boolean;
  readonly id?: string;
  /** Seconds since 1970. */
  readonly timestamp?: number;
  /** The name shown beside the message instead of the phone's own. */
  readonly name?: string;
  /** More attributes of the stanza. */
  readonly attrs?: Readonly<Record<string, string>>;
}

/** How the phone's words travel; the server implements it. */
export interface Carrier {
  carry(from: Phone, to: Phone, message: proto.IMessage, options: SendOptions): Promise<{ id: string }>;
  carryOther(from: Phone, to: Phone, node: Partial<BinaryNode> & { tag: string; attrs: Record<string, string> }): void;
  scan(phone: Phone, qr: string): Promise<void>;
  enterCode(phone: Phone, code: string): Promise<void>;
  unlink(phone: Phone): void;
  now(): number;
}

/** Who a person on the simulated WhatsApp is. */
export interface PhoneOptions {
  /** Digits of the number, without `+`. */
  readonly pn: string;
  readonly lid: string;
  readonly name?: string;
}

/** A person with an account and the phone that it lives on. */
export class Phone extends EventEmitter<{ received: [Received]; receipt: [BinaryNode] }> {
  pn: string;
  lid: string;
  name: string;
  readonly companions: Companion[] = [];
  /** All that came, oldest first. */
  readonly inbox: Received[] = [];
  /** Receipts of what this phone sent: delivered, read, retry. */
  readonly receipts: BinaryNode[] = [];
  /** What this phone sent, for companions that ask for it again. */
  readonly sent = new Map<string, { to: Phone; message: proto.IMessage; options: SendOptions }>();
  private readonly untaken: Received[] = [];
  private partyMade: SignalParty | undefined;

  constructor(
    { pn, lid, name = "" }: PhoneOptions,
    private readonly carrier: Carrier,
    private readonly log: Logger,
  ) {
    super();
    this.pn = pn;
    this.lid = lid;
    this.name = name;
  }

  /** Its keys, made when first needed: most strangers in a flood never talk long enough to matter. */
  get party(): SignalParty {
    this.partyMade ??= new SignalParty(this.log);
    return this.partyMade;
  }

  get pnJid(): string {
    return `${this.pn}@s.whatsapp.net`;
  }

  get lidJid(): string {
    return `${this.lid}@lid`;
  }

  /** Links the client that shows this QR to this account. */
  scan(qr: string): Promise<void> {
    return this.carrier.scan(this, qr);
  }

  /** Links the client that shows this pairing code to this account. */
  enterPairingCode(code: string): Promise<void> {
    return this.carrier.enterCode(this, code.replaceAll("-", ""));
  }

  /** Removes all linked devices, as "Linked devices → Log out" does. */
  unlink(): void {
    this.carrier.unlink(this);
  }

  /** Writes a text to somebody; to oneself it is "Message yourself". */
  send(to: Phone, text: string, options: SendOptions & MessageOptions = {}): Promise<{ id: string }> {
    return this.sendMessage(to, textMessage(text, options), options);
  }

  /** Sends whatever the protocol knows. */
  sendMessage(to: Phone, message: proto.IMessage, options: SendOptions = {}): Promise<{ id: string }> {
    return this.carrier.carry(this, to, message, options);
  }

  /** Reacts to a message in the chat with `to`; `""` takes the reaction back. `mine`: it was one's own message. */
  react(
    to: Phone,
    id: string,
    emoji: string,
    { mine = false, ...options }: SendOptions & { mine?: boolean } = {},
  ): Promise<{ id: string }> {
    const key = { remoteJid: to.pnJid, fromMe: mine, id };
    return this.sendMessage(
      to,
      { reactionMessage: { key, text: emoji, senderTimestampMs: this.carrier.now() } },
      options,
    );
  }

  /** Edits one's own message. */
  edit(to: Phone, id: string, text: string, options: SendOptions = {}): Promise<{ id: string }> {
    const key = { remoteJid: to.pnJid, fromMe: true, id };
    const { MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;
    const protocolMessage = {
      key,
      type: MESSAGE_EDIT,
      editedMessage: { conversation: text },
      timestampMs: this.carrier.now(),
    };
    return this.sendMessage(to, { editedMessage: { message: { protocolMessage } } }, options);
  }

  /** Asks the other side to send a message again, truthfully or not. */
  askAgain(to: Phone, id: string, { addressing = "pn" }: SendOptions = {}): void {
    const from = addressing === "lid" ? this.lidJid : this.pnJid;
    const t = String(Math.floor(this.carrier.now() / 1000));
    const registration = { tag: "registration", attrs: {}, content: Buffer.alloc(4, 1) };
    const retry = { tag: "retry", attrs: { count: "1", id, t, v: "1" } };
    this.carrier.carryOther(this, to, {
      tag: "receipt",
      attrs: { from, id, type: "retry", t },
      content: [retry, registration],
    });
  }

  /** The next message that fits, among those not taken yet and those to come; taking it skips those before it. */
  next(fits: (received: Received) => boolean = () => true, timeoutMs = 10_000): Promise<Received> {
    const take = () => {
      const index = this.untaken.findIndex(fits);
      return index < 0 ? undefined : this.untaken.splice(0, index + 1).at(-1);
    };
    const past = take();
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = take();
        if (!found) return;
        stop();
        resolve(found);
      };
      const timer = setTimeout(() => {
        stop();
        const last = this.inbox.slice(-5).map(({ text }) => JSON.stringify(text.slice(0, 120)));
        reject(
          new Error(
            `${this.name || this.pn} got no such message within ${timeoutMs} ms; the last were: ${last.join(", ") || "none"}`,
          ),
        );
      }, timeoutMs);
      const stop = () => {
        clearTimeout(timer);
        this.off("received", look);
      };
      this.on("received", look);
    });
  }

  /** The server hands over what came for this phone. */
  receive(received: Received): void {
    // A phone shows a message once, however often it comes.
    if (this.inbox.some(({ id }) => id === received.id)) return;
    this.inbox.push(received);
    this.untaken.push(received);
    this.emit("received", received);
  }

  /** The server hands over a receipt. */
  take(receipt: BinaryNode): void {
    this.receipts.push(receipt);
    this.emit("receipt", receipt);
  }
}

/** What a text can carry. */
export interface MessageOptions {
  /** The message that it quotes: its id, who wrote it, and its text. */
  readonly quote?: { readonly id: string; readonly by: Phone; readonly text: string };
  readonly forwarded?: boolean;
  /** Seconds until the message disappears. */
  readonly ephemeral?: number;
}

function textMessage(text: string, { quote, forwarded, ephemeral }: MessageOptions): proto.IMessage {
  if (!quote && !forwarded && ephemeral === undefined) return { conversation: text };
  const contextInfo: proto.IContextInfo = {
    ...(quote ? { stanzaId: quote.id, participant: quote.by.pnJid, quotedMessage: { conversation: quote.text } } : {}),
    ...(forwarded ? { isForwarded: true, forwardingScore: 1 } : {}),
    ...(ephemeral === undefined ? {} : { expiration: ephemeral }),
  };
  const message = { extendedTextMessage: { text, contextInfo } };
  return ephemeral === undefined ? message : { ephemeralMessage: { message } };
}

/** A fresh message id as phones make them. */
export function newMessageId(): string {
  return `3A${randomBytes(9).toString("hex").toUpperCase()}`;
}
