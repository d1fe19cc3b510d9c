import { type BinaryNode, jidNormalizedUser, normalizeMessageContent, type proto } from "@whiskeysockets/baileys";
import type { Account, Addressing, Companion } from "./account.js";
import {
  editMessage,
  keyType,
  type MediaOptions,
  mediaMessage,
  reactionMessage,
  revokeMessage,
  textMessage,
} from "./content.js";
import type { Directory } from "./directory.js";
import { retryReceipt } from "./incoming.js";
import type { Received, ReceivedReceipt } from "./mailbox.js";
import type { MediaServer } from "./media.js";
import { node, SERVER } from "./node.js";
import { type PostOffice, seconds } from "./outgoing.js";
import type { Pairing } from "./pairing.js";
import type { Person, SendOptions, TargetOptions, TravelOptions } from "./person.js";
import { sealedEdit, secretOf } from "./sealed.js";

/** What the phone needs of the world around it. */
export interface PhoneWorld {
  readonly clock: () => number;
  readonly directory: Directory;
  readonly post: PostOffice;
  readonly pairing: Pairing;
  readonly media: MediaServer;
  readonly unlink: (companion: Companion) => void;
  readonly add: (person: Person) => Phone;
}

/** A person with an account and a primary phone. See index.ts for what can be done with it. */
export class Phone {
  /** The simulator's own view of the person; tests go through the methods. */
  readonly account: Account;
  readonly #world: PhoneWorld;

  constructor(account: Account, world: PhoneWorld) {
    this.account = account;
    this.#world = world;
  }

  get name(): string {
    return this.account.name;
  }

  /** `<digits>@s.whatsapp.net`. @throws when the person has no number (any more). */
  get pnJid(): string {
    return this.#jid("pn");
  }

  /** `<digits>@lid`. @throws when the person has no LID. */
  get lidJid(): string {
    return this.#jid("lid");
  }

  /** Every message that reached this phone, decrypted. */
  get inbox(): readonly Received[] {
    return this.account.mailbox.inbox;
  }

  /** Every receipt that a companion sent to this phone. */
  get receipts(): readonly ReceivedReceipt[] {
    return this.account.mailbox.receipts;
  }

  /** What could not be decrypted or broke the rules, in words. */
  get troubles(): readonly string[] {
    return this.account.mailbox.troubles;
  }

  /** The device numbers of the linked companions. */
  get companions(): readonly number[] {
    return [...this.account.companions.keys()];
  }

  /** Whom this person blocked (a companion may have done it). */
  hasBlocked(other: Phone): boolean {
    return this.account.blocked.has(other.account);
  }

  /** Takes the first message that fits and was not taken yet, waiting for it where needed. */
  next(fits: (received: Received) => boolean = () => true, options: { timeoutMs?: number } = {}): Promise<Received> {
    return this.account.mailbox.next(fits, options.timeoutMs);
  }

  /** The first receipt that fits, waiting for it where needed. */
  nextReceipt(
    fits: (receipt: ReceivedReceipt) => boolean = () => true,
    options: { timeoutMs?: number } = {},
  ): Promise<ReceivedReceipt> {
    return this.account.mailbox.nextReceipt(fits, options.timeoutMs);
  }

  /** Links the companion that shows this QR code. Resolves when it is linked (it then connects anew). */
  async scan(qrPayload: string): Promise<{ device: number; jid: string }> {
    return linked(await this.#world.pairing.scan(this.account, qrPayload));
  }

  /** Links the companion that asked for this code. @throws "The pairing code is wrong." */
  async enterPairingCode(code: string): Promise<{ device: number; jid: string }> {
    return linked(await this.#world.pairing.enterCode(this.account, code));
  }

  /** Logs one companion out, or all of them, as "Linked devices" on the phone does. */
  unlink(device?: number): void {
    for (const companion of [...this.account.companions.values()]) {
      if (device === undefined || device === companion.device) {
        this.#world.unlink(companion);
      }
    }
  }

  /** Writes to somebody. What goes to another person is copied to the own companions as sent by this phone. */
  send(to: Phone, text: string, options: SendOptions = {}): Promise<{ id: string }> {
    const answered = to.account.address(options.addressing ?? "lid");
    const id = options.id ?? this.#world.post.newId();
    const secret = options.secret ? { messageContextInfo: { messageSecret: secretOf(id) } } : {};
    return this.#send(to, "text", { ...textMessage(text, options, answered), ...secret }, { ...options, id });
  }

  /** "Message yourself". */
  sendSelf(text: string, options: SendOptions = {}): Promise<{ id: string }> {
    return this.send(this, text, options);
  }

  /** @param emoji "" takes the reaction back. */
  react(to: Phone, targetId: string, emoji: string, options: TargetOptions = {}): Promise<{ id: string }> {
    const key = this.#key(to, targetId, options.fromMe ?? to.account === this.account, options);
    return this.#send(to, "reaction", reactionMessage(emoji, key, this.#at(options)), options);
  }

  /** Changes the text of a message that this phone sent. */
  edit(to: Phone, targetId: string, text: string, options: TargetOptions = {}): Promise<{ id: string }> {
    const key = this.#key(to, targetId, options.fromMe ?? true, options);
    const by = jidNormalizedUser(this.#jid(options.addressing ?? "lid"));
    const edit = options.sealed ? sealedEdit(text, key, by) : editMessage(text, key, this.#at(options));
    return this.#send(to, "text", edit, options, { edit: "1" });
  }

  /** Deletes a message for everyone. */
  revoke(to: Phone, targetId: string, options: TargetOptions = {}): Promise<{ id: string }> {
    const key = this.#key(to, targetId, options.fromMe ?? true, options);
    return this.#send(to, "text", revokeMessage(key), options, { edit: "7" });
  }

  /** Uploads a file, encrypted, and sends it. */
  async sendMedia(to: Phone, media: MediaOptions & SendOptions): Promise<{ id: string }> {
    const { kind, bytes = Buffer.from(`a ${kind}`), fault } = media;
    const uploaded = await this.#world.media.upload(bytes, keyType(kind), fault);
    const answered = to.account.address(media.addressing ?? "lid");
    return this.#send(to, "media", mediaMessage(media, uploaded, answered), media);
  }

  /** The bytes of a file that came with a message. @throws where it is not there, or not what its key says */
  download({ message }: Received): Promise<Buffer> {
    const inner = normalizeMessageContent(message) ?? {};
    const { imageMessage, videoMessage, audioMessage, documentMessage, stickerMessage } = inner;
    const file = imageMessage ?? videoMessage ?? audioMessage ?? documentMessage ?? stickerMessage;
    if (!file) return Promise.reject(new Error("there is no file in that message"));
    const type = imageMessage ? "image" : videoMessage ? "video" : audioMessage ? "audio" : "document";
    return this.#world.media.download(file, stickerMessage ? "sticker" : type);
  }

  /** Sends any content. */
  sendRaw(
    to: Phone,
    message: proto.IMessage,
    options: TravelOptions & { readonly type?: string } = {},
  ): Promise<{ id: string }> {
    return this.#send(to, options.type ?? "text", message, options);
  }

  /** Sends bytes that need not be a message, properly encrypted, as a hostile client can; and a name that need not be one. */
  sendBytes(
    to: Phone,
    bytes: Uint8Array,
    options: TravelOptions & { readonly name?: string } = {},
  ): Promise<{ id: string }> {
    const { name, ...travel } = options;
    return this.#send(to, "text", {}, { ...travel, plaintext: bytes }, name === undefined ? {} : { notify: name });
  }

  /** Writes into a group, in which every linked companion is, or those of `to`. */
  async sendGroup(
    group: string,
    text: string,
    options: SendOptions & { readonly to?: readonly Phone[] } = {},
  ): Promise<{ id: string }> {
    const message = textMessage(text, options, this.account.address(options.addressing ?? "lid"));
    const readers = this.#world.directory
      .companions()
      .filter(({ account }) => options.to === undefined || options.to.some((phone) => phone.account === account));
    return this.#dispatch({ group, readers }, "text", message, options);
  }

  /** Posts a status, which every linked companion sees. */
  sendStatus(text: string, options: SendOptions = {}): Promise<{ id: string }> {
    return this.sendGroup("status@broadcast", text, options);
  }

  /** Calls somebody and lets it ring. */
  async call(to: Phone, options: TravelOptions = {}): Promise<{ id: string }> {
    const id = options.id ?? this.#world.post.newId();
    const from = this.account.address(options.addressing ?? "lid");
    const offer = node("offer", { "call-id": id, "call-creator": from, from }, [node("audio")]);
    this.#stanza(to, node("call", { from, id, t: seconds(this.#at(options)) }, [offer]));
    return { id };
  }

  /** Changes a setting of the account, mutes a chat, say: its companions are told to ask the server for it. */
  changeSetting(): void {
    const attrs = { from: SERVER, type: "server_sync", id: this.#world.post.newId(), t: seconds(this.#world.clock()) };
    for (const companion of this.account.companions.values()) {
      companion.deliver(node("notification", attrs, [node("collection", { name: "regular", version: "2" })]));
    }
  }

  /** Tells the writer's companions that this phone's owner has read a message. */
  read(received: Received, options: TravelOptions = {}): void {
    const author = this.#world.directory.find(received.participant);
    const attrs = { from: this.account.address(options.addressing ?? "lid"), id: received.id, type: "read" };
    for (const companion of author?.companions.values() ?? []) {
      companion.deliver(node("receipt", { ...attrs, t: seconds(this.#at(options)) }));
    }
  }

  /**
   * Claims not to have been able to decrypt a message, real or not, so that the companion may send it (again).
   * @param receipt withKeys: brings own keys for a fresh session, as the second retry does.
   */
  forgeRetryReceipt(receipt: {
    readonly id: string;
    readonly to: Phone;
    readonly count?: number;
    readonly withKeys?: boolean;
    readonly addressing?: Addressing;
  }): void {
    const { id, count = 1, withKeys = false } = receipt;
    const from = this.account.address(receipt.addressing ?? "lid");
    this.#stanza(receipt.to, retryReceipt(this.account, { id, from, count, withKeys, at: this.#world.clock() }));
  }

  /** Loses every Signal session, so that what companions send can't be decrypted any more. */
  loseSessions(): void {
    this.account.signal.forget();
  }

  /** Puts a chat into this phone's past; a companion that is linked later gets it as history. */
  remember(from: Phone, text: string, options: { readonly timestamp?: number; readonly id?: string } = {}): void {
    const id = options.id ?? this.#world.post.newId();
    this.account.history.push({ from: from.account, id, text, at: this.#at(options) });
  }

  /** Moves to another number; the LID and every session stay. */
  changeNumber(pn: string): void {
    this.#world.directory.move(this.account, pn);
  }

  /**
   * Gives the number to somebody else, as a carrier does; this person keeps the LID alone.
   * @returns the new holder's phone, with a new LID and new keys.
   */
  passNumberTo(person: Omit<Person, "pn">): Phone {
    const { pn } = this.account;
    if (pn === undefined) {
      throw new Error(`${this.account.label} has no number to pass on.`);
    }
    this.#world.directory.move(this.account, undefined);
    return this.#world.add({ ...person, pn });
  }

  /** Leaves WhatsApp and frees what the simulator holds for this person. */
  leave(): void {
    this.unlink();
    this.#world.directory.remove(this.account);
  }

  #jid(addressing: Addressing): string {
    if (this.account[addressing] === undefined) {
      throw new Error(`${this.account.label} has no ${addressing.toUpperCase()}.`);
    }
    return this.account.address(addressing);
  }

  #at(options: { readonly timestamp?: number }): number {
    return options.timestamp ?? this.#world.clock();
  }

  /** Names a message as the recipient's devices know it. */
  #key(to: Phone, id: string, fromMe: boolean, options: TravelOptions): proto.IMessageKey {
    const remoteJid = jidNormalizedUser(to.account.address(options.addressing ?? "lid"));
    return { remoteJid, fromMe, id };
  }

  #send(
    to: Phone,
    type: string,
    message: proto.IMessage,
    options: TravelOptions & { readonly plaintext?: Uint8Array },
    attrs: Record<string, string> = {},
  ): Promise<{ id: string }> {
    return this.#dispatch(to.account, type, message, options, attrs);
  }

  async #dispatch(
    to: Account | { group: string; readers: readonly Companion[] },
    type: string,
    message: proto.IMessage,
    options: TravelOptions & { readonly plaintext?: Uint8Array },
    attrs: Record<string, string> = {},
  ): Promise<{ id: string }> {
    const id = options.id ?? this.#world.post.newId();
    await this.#world.post.send({
      from: this.account,
      to,
      message,
      ...(options.plaintext ? { plaintext: options.plaintext } : {}),
      id,
      type,
      attrs,
      at: this.#at(options),
      addressing: options.addressing ?? "lid",
      withAlt: options.withAlt ?? true,
      corrupt: options.corrupt ?? false,
      absent: options.absent ?? false,
      resends: options.resends ?? true,
    });
    return { id };
  }

  #stanza(to: Phone, stanza: BinaryNode): void {
    for (const companion of to.account.companions.values()) {
      companion.deliver(stanza);
    }
  }
}

function linked(companion: Companion): { device: number; jid: string } {
  return { device: companion.device, jid: companion.address("pn") };
}
