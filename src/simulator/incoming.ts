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
import type { WireRecord } from "./record.js";

/**
 * What the server says to a message: takes it (`ack`), refuses it with an error code, loses it (no answer, nobody gets
 * it), or takes it without a word (`mute`: it arrives, but the answer is lost).
 */
export type Answer =
  | { readonly kind: "ack" }
  | { readonly kind: "refuse"; readonly error: number }
  | { readonly kind: "lose" }
  | { readonly kind: "mute" };

/** What one device is to get. */
interface Target {
  readonly jid: string;
  readonly enc: BinaryNode;
}

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
    const opened: { target: Target; account: Account; message: proto.IMessage }[] = [];
    for (const target of targets) {
      const account = this.#directory.find(target.jid);
      const message = account && isPhone(target) ? await this.#decrypt(companion, stanza, target, account) : undefined;
      if (account !== undefined && message !== undefined) {
        opened.push({ target, account, message });
      }
    }
    const foreign = opened.find(({ account }) => account !== companion.account);
    const message = foreign?.message ?? inner(opened[0]?.message);
    const delivered = opened.map((one) => ({ jid: one.target.jid, message: one.message }));
    // Written before anybody sees the message, so that who has seen it finds it in the record.
    this.#record.add(companion, stanza, people, delivered, message);
    if (answer.kind === "ack" || answer.kind === "mute") {
      for (const one of opened) {
        await this.#handOver(companion, stanza, one.target, one.account, one.message);
      }
      for (const target of targets.filter((other) => !isPhone(other))) {
        this.#forward(companion, stanza, target);
      }
    }
  }

  async #decrypt(
    from: Companion,
    stanza: BinaryNode,
    { enc }: Target,
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
    { jid, enc }: Target,
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
  #forward(from: Companion, stanza: BinaryNode, target: Target): void {
    const device = jidDecode(target.jid)?.device ?? 0;
    const to = this.#directory.find(target.jid)?.companions.get(device);
    if (to === undefined || to === from) {
      return;
    }
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
    to.deliver(node("message", attrs, [target.enc, ...(identity ? [identity] : [])]));
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
    const asked =
      inner(message)?.protocolMessage?.peerDataOperationRequestMessage?.placeholderMessageResendRequest ?? [];
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

function isPhone({ jid }: Target): boolean {
  return (jidDecode(jid)?.device ?? 0) === 0;
}

function targetsOf(stanza: BinaryNode): Target[] {
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
