import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  jidDecode,
  jidNormalizedUser,
  proto,
  unpadRandomMax16,
} from "@whiskeysockets/baileys";
import type { Account, Companion } from "./account.js";
import type { Directory } from "./directory.js";
import { describe } from "./mailbox.js";
import { children, node, number, readBundle, writeBundle } from "./node.js";
import { type PostOffice, seconds } from "./outgoing.js";
import type { Delivered, WireRecord } from "./record.js";

/**
 * What the server says to a message: takes it (`ack`), refuses it with an error code, loses it (no answer, nobody gets
 * it), or takes it without a word (`mute`: it arrives, but the answer is lost).
 */
export type Answer =
  | { readonly kind: "ack" }
  | { readonly kind: "refuse"; readonly error: number }
  | { readonly kind: "lose" }
  | { readonly kind: "mute" };

/** Brings what companions send to the people it is for, and writes all of it into the record. */
export class Sorting {
  readonly #clock: () => number;
  readonly #directory: Directory;
  readonly #record: WireRecord;
  readonly #post: PostOffice;
  /** What the server says to the next message. */
  answer: (node: BinaryNode) => Answer = () => ({ kind: "ack" });

  constructor(clock: () => number, directory: Directory, record: WireRecord, post: PostOffice) {
    this.#clock = clock;
    this.#directory = directory;
    this.#record = record;
    this.#post = post;
  }

  /** Handles every stanza that is not a query. */
  async stanza(companion: Companion, stanza: BinaryNode): Promise<void> {
    switch (stanza.tag) {
      case "message":
        await this.#message(companion, stanza);
        return;
      case "receipt":
        await this.#receipt(companion, stanza);
        return;
      case "ack":
        companion.queue.take(stanza.attrs.class ?? "", stanza.attrs.id ?? "", stanza.attrs.to);
        break;
    }
    this.#record.add(companion, stanza, this.#people(stanza.attrs.to, stanza.attrs.participant));
  }

  async #message(companion: Companion, stanza: BinaryNode): Promise<void> {
    const { id = "", to = "" } = stanza.attrs;
    const answer = this.answer(stanza);
    if (answer.kind === "ack" || answer.kind === "refuse") {
      const error = answer.kind === "refuse" ? { error: String(answer.error) } : {};
      const attrs = { class: "message", id, from: to, t: seconds(this.#clock()), ...error };
      companion.connection?.send(node("ack", attrs));
    }
    const targets = targetsOf(stanza);
    const people = this.#people(to, ...targets.map((target) => target.jid));
    if (people.size > 1) {
      // The copy for the own phone doesn't make a message one to oneself.
      people.delete(companion.account);
    }
    const arrives = answer.kind === "ack" || answer.kind === "mute";
    const delivered: Delivered[] = [];
    for (const target of targets) {
      const message = await this.#deliver(companion, stanza, target, arrives);
      if (message !== undefined) {
        delivered.push({ jid: target.jid, message });
      }
    }
    const foreign = delivered.find(({ jid }) => this.#directory.find(jid) !== companion.account);
    const message = foreign?.message ?? inner(delivered[0]?.message);
    this.#record.add(companion, stanza, people, delivered, message);
  }

  /** @returns the content, when the target is a phone. */
  async #deliver(
    from: Companion,
    stanza: BinaryNode,
    target: { jid: string; enc: BinaryNode },
    arrives: boolean,
  ): Promise<proto.IMessage | undefined> {
    const account = this.#directory.find(target.jid);
    if (account === undefined) {
      return undefined;
    }
    const device = jidDecode(target.jid)?.device ?? 0;
    if (device !== 0) {
      const companion = account.companions.get(device);
      if (arrives && companion !== undefined && companion !== from) {
        companion.deliver(this.#forward(from, stanza, target, companion));
      }
      return undefined;
    }
    const message = await this.#decrypt(from, stanza, target, account);
    if (message !== undefined && arrives) {
      await this.#handOver(from, stanza, target, account, message);
    }
    return message;
  }

  async #decrypt(
    from: Companion,
    stanza: BinaryNode,
    { enc }: { jid: string; enc: BinaryNode },
    account: Account,
  ): Promise<proto.IMessage | undefined> {
    const { type } = enc.attrs;
    try {
      if ((type !== "pkmsg" && type !== "msg") || !(enc.content instanceof Uint8Array)) {
        throw new Error(`the encryption is "${type}"`);
      }
      const padded = await account.signal.decrypt(from, { type, ciphertext: Buffer.from(enc.content) });
      return proto.Message.decode(unpadRandomMax16(padded));
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      account.mailbox.trouble(
        `${account.label} can't decrypt message ${stanza.attrs.id} of ${from.address("pn")}: ${words}`,
      );
      if (account.asksAgain) {
        this.#askAgain(from, stanza, account);
      }
      return undefined;
    }
  }

  async #handOver(
    from: Companion,
    stanza: BinaryNode,
    { jid, enc }: { jid: string; enc: BinaryNode },
    account: Account,
    message: proto.IMessage,
  ): Promise<void> {
    const own = account === from.account;
    const { id = "" } = stanza.attrs;
    if (own && stanza.attrs.category === "peer") {
      await this.#request(from, message);
      return;
    }
    const copy = message.deviceSentMessage;
    if (own !== Boolean(copy)) {
      account.mailbox.trouble(
        own
          ? `Message ${id} reached the companion's own phone without being marked as sent by an own device.`
          : `Message ${id} reached ${account.label} marked as sent by an own device, which it is not.`,
      );
    }
    const content = copy?.message ?? message;
    const addressing = jidDecode(jid)?.server === "lid" ? "lid" : "pn";
    const participant = from.account.address(addressing);
    account.mailbox.deliver({
      id,
      at: this.#clock(),
      chat: own ? (copy?.destinationJid ?? stanza.attrs.to ?? "") : participant,
      participant,
      device: from.device,
      own,
      message: content,
      retries: Number(enc.attrs.count ?? 0),
      ...describe(content),
    });
    if (!own) {
      from.deliver(node("receipt", { from: account.address(addressing), id, t: seconds(this.#clock()) }));
    }
  }

  /** A message for another companion goes on as it is, with the sender's address on it. */
  #forward(from: Companion, stanza: BinaryNode, target: { jid: string; enc: BinaryNode }, to: Companion): BinaryNode {
    const addressing = jidDecode(target.jid)?.server === "lid" ? "lid" : "pn";
    const alt = from.account.alternative(addressing);
    const own = to.account === from.account;
    const attrs = {
      id: stanza.attrs.id ?? "",
      from: from.address(addressing),
      t: seconds(this.#clock()),
      type: stanza.attrs.type ?? "text",
      addressing_mode: addressing,
      ...(own ? { recipient: stanza.attrs.to ?? "" } : {}),
      ...(!own && alt ? { [`sender_${addressing === "lid" ? "pn" : "lid"}`]: alt } : {}),
      ...(from.account.name ? { notify: from.account.name } : {}),
    };
    const identity = getBinaryNodeChild(stanza, "device-identity");
    return node("message", attrs, [target.enc, ...(identity ? [identity] : [])]);
  }

  #askAgain(from: Companion, stanza: BinaryNode, account: Account): void {
    const { id = "", to = "" } = stanza.attrs;
    const count = Number(getBinaryNodeChild(stanza, "enc")?.attrs.count ?? 0) + 1;
    from.deliver(
      retryReceipt(account, { id, from: jidNormalizedUser(to), count, at: this.#clock(), withKeys: count > 1 }),
    );
  }

  /** What a companion asks of its own phone: messages that came without content. */
  async #request(from: Companion, message: proto.IMessage): Promise<void> {
    const asked = message.protocolMessage?.peerDataOperationRequestMessage?.placeholderMessageResendRequest ?? [];
    for (const { messageKey } of asked) {
      const known = from.account.mailbox.inbox.find((received) => received.id === messageKey?.id);
      if (known === undefined || !messageKey) {
        continue;
      }
      const info = proto.WebMessageInfo.encode({
        key: messageKey,
        message: known.message,
        messageTimestamp: Math.floor(known.at / 1000),
      }).finish();
      await this.#post.peer(from, {
        type: proto.Message.ProtocolMessage.Type.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE,
        peerDataOperationRequestResponseMessage: {
          peerDataOperationRequestType: proto.Message.PeerDataOperationRequestType.PLACEHOLDER_MESSAGE_RESEND,
          peerDataOperationResult: [{ placeholderMessageResendResponse: { webMessageInfoBytes: info } }],
        },
      });
    }
  }

  async #receipt(companion: Companion, stanza: BinaryNode): Promise<void> {
    const { id = "", to = "", participant, type = "" } = stanza.attrs;
    const more = getBinaryNodeChildren(getBinaryNodeChild(stanza, "list"), "item").map((item) => item.attrs.id ?? "");
    const ids = [id, ...more];
    this.#record.add(companion, stanza, this.#people(to, participant));
    companion.connection?.send(node("ack", { class: "receipt", id, from: to, ...(type ? { type } : {}) }));
    const author = this.#directory.find(participant ?? to);
    if (type === "retry") {
      const retry = getBinaryNodeChild(stanza, "retry");
      const keys = getBinaryNodeChild(stanza, "keys");
      const bundle = keys ? readBundle(keys, number(stanza, "registration")) : undefined;
      if (author !== undefined) {
        await this.#post.resend(author, companion, id, retry?.attrs.count ?? "1", bundle);
      }
      return;
    }
    for (const taken of ids) {
      companion.queue.take("message", taken, participant ?? to);
    }
    if (author !== undefined && author !== companion.account) {
      author.mailbox.receipt({ at: this.#clock(), ids, type });
    }
  }

  #people(...jids: (string | undefined)[]): Set<Account> {
    const found = jids.map((jid) => (jid === undefined ? undefined : this.#directory.find(jid)));
    return new Set(found.filter((account) => account !== undefined));
  }
}

/** What a phone says when it could not decrypt a message, or pretends so. */
export function retryReceipt(
  account: Account,
  receipt: { id: string; from: string; count: number; at: number; withKeys: boolean },
): BinaryNode {
  const addressing = jidDecode(receipt.from)?.server === "lid" ? "lid" : "pn";
  const bundle = account.signal.bundle();
  const registration = Buffer.alloc(4);
  registration.writeUInt32BE(bundle.registrationId);
  const attrs = {
    from: account.address(addressing),
    id: receipt.id,
    type: "retry",
    t: seconds(receipt.at),
  };
  return node("receipt", attrs, [
    node("retry", { count: String(receipt.count), id: receipt.id, t: seconds(receipt.at), v: "1" }),
    node("registration", {}, registration),
    ...(receipt.withKeys ? [node("keys", {}, writeBundle(bundle))] : []),
  ]);
}

function targetsOf(stanza: BinaryNode): { jid: string; enc: BinaryNode }[] {
  const listed = children(getBinaryNodeChild(stanza, "participants"));
  const direct = getBinaryNodeChild(stanza, "enc");
  return [
    ...listed.flatMap((to) => {
      const enc = getBinaryNodeChild(to, "enc");
      return enc && to.attrs.jid ? [{ jid: to.attrs.jid, enc }] : [];
    }),
    // A group's own ciphertext is for its members; they are listed with their keys.
    ...(direct && stanza.attrs.to && direct.attrs.type !== "skmsg" ? [{ jid: stanza.attrs.to, enc: direct }] : []),
  ];
}

function inner(message: proto.IMessage | undefined): proto.IMessage | undefined {
  return message?.deviceSentMessage?.message ?? message;
}
