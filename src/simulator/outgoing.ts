import { randomBytes } from "node:crypto";
import { type BinaryNode, encodeWAMessage, type proto, writeRandomPadMax16 } from "@whiskeysockets/baileys";
import type { Account, Addressing, Companion } from "./account.js";
import { describe } from "./mailbox.js";
import { node, SERVER } from "./node.js";
import type { SentMessage } from "./sent.js";
import type { Bundle } from "./signal.js";

/** How many sent messages a phone keeps for those who ask again. */
const KEPT = 100;
/** A companion with fewer one-time keys than this is told to upload more. */
const FEW_KEYS = 5;

/** One message that a phone sends. */
export interface Parcel {
  readonly from: Account;
  /** A person, or a group's address and who of the linked companions reads it. */
  readonly to: Account | { readonly group: string; readonly readers: readonly Companion[] };
  readonly message: proto.IMessage;
  /** What is encrypted in place of the message: bytes that need not be one. */
  readonly plaintext?: Uint8Array;
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly addressing: Addressing;
  /** Names the sender's other address too. */
  readonly withAlt: boolean;
  /** The stanza's type: text, media, reaction. */
  readonly type: string;
  /** More attributes of the stanza. */
  readonly attrs?: Readonly<Record<string, string>>;
  /** Breaks the ciphertext, so that the companion has to ask again. */
  readonly corrupt?: boolean;
  /** Sends the stanza without content, so that the companion has to ask the own phone for it. */
  readonly absent?: boolean;
  /** Sends it again to a companion that asks. */
  readonly resends: boolean;
}

/** Brings what phones send to the companions that should have it, encrypted for each. */
export class PostOffice {
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** A message id as phones make them. */
  newId(): string {
    return `3A${randomBytes(9).toString("hex").toUpperCase()}`;
  }

  /** Resolves when every companion that can be encrypted for has the message sent or waiting. */
  async send(parcel: Parcel): Promise<void> {
    const { from, to } = parcel;
    if ("group" in to) {
      const sent = groupMessage(parcel, to.group);
      remember(parcel, sent);
      await Promise.all(to.readers.map((companion) => this.#post(companion, () => this.#seal(from, companion, sent))));
      return;
    }
    if (to.blocked.has(from)) {
      return;
    }
    const sent = directMessage(parcel, to);
    remember(parcel, sent);
    if (to !== from) {
      to.mailbox.deliver({
        id: parcel.id,
        at: parcel.at,
        chat: from.address(parcel.addressing),
        participant: from.address(parcel.addressing),
        device: 0,
        own: false,
        message: parcel.message,
        retries: 0,
        ...describe(parcel.message),
      });
    }
    const readers = new Set([...to.companions.values(), ...from.companions.values()]);
    await Promise.all(
      [...readers].map((companion) =>
        this.#post(companion, async () => {
          const stanza = await this.#seal(from, companion, sent);
          return parcel.absent ? { ...stanza, content: [node("unavailable")] } : spoil(stanza, parcel.corrupt);
        }),
      ),
    );
  }

  /** Sends a message once more to a companion that could not decrypt it. */
  async resend(from: Account, companion: Companion, id: string, count: string, bundle?: Bundle): Promise<void> {
    const sent = from.sent.get(id);
    if (sent === undefined) {
      return;
    }
    await from.signal.restart(companion, bundle ?? this.#handOut(companion));
    await this.#post(companion, () => this.#seal(from, companion, sent, { count }));
  }

  /** Sends what devices of one account tell each other, from the phone to its companion. */
  async peer(companion: Companion, protocolMessage: proto.Message.IProtocolMessage): Promise<string> {
    const { account } = companion;
    const id = this.newId();
    const attrs = {
      // LID-addressed: rc14 knows its own LID at once, its own mapping of numbers a moment later.
      from: account.address("lid"),
      id,
      t: seconds(this.#clock()),
      type: "text",
      category: "peer",
    };
    await this.#post(companion, async () =>
      node("message", attrs, [await this.#encrypt(account, companion, { protocolMessage })]),
    );
    return id;
  }

  async #post(companion: Companion, work: () => Promise<BinaryNode>): Promise<void> {
    const run = async (): Promise<void> => companion.deliver(await work());
    if (companion.keyed) {
      await run();
      return;
    }
    companion.whenKeyed(() => {
      run().catch((error) => companion.account.mailbox.trouble(`Nothing could be sent to the companion: ${error}`));
    });
  }

  async #seal(
    from: Account,
    companion: Companion,
    sent: SentMessage,
    extra: Record<string, string> = {},
  ): Promise<BinaryNode> {
    if (sent.group !== undefined) {
      const data = encodeWAMessage(sent.message);
      const { ciphertext, senderKeyDistributionMessage } = await from.signal.encryptGroup(sent.group, data);
      const keys: proto.IMessage = {
        senderKeyDistributionMessage: {
          groupId: sent.group,
          axolotlSenderKeyDistributionMessage: senderKeyDistributionMessage,
        },
      };
      return node("message", sent.attrs, [
        await this.#encrypt(from, companion, keys, extra),
        node("enc", { v: "2", type: "skmsg", ...extra }, ciphertext),
      ]);
    }
    if (companion.account !== from) {
      return node("message", sent.attrs, [await this.#encrypt(from, companion, sent.plaintext ?? sent.message, extra)]);
    }
    const copy = { deviceSentMessage: { destinationJid: sent.destination, message: sent.message } };
    return node("message", sent.ownAttrs, [await this.#encrypt(from, companion, copy, extra)]);
  }

  async #encrypt(
    from: Account,
    companion: Companion,
    message: proto.IMessage | Uint8Array,
    extra: Record<string, string> = {},
  ): Promise<BinaryNode> {
    const data = message instanceof Uint8Array ? writeRandomPadMax16(message) : encodeWAMessage(message);
    const { type, ciphertext } = await from.signal.encrypt(companion, data, () => this.#handOut(companion));
    return node("enc", { v: "2", type, ...extra }, ciphertext);
  }

  /** A companion's keys with one of its one-time keys, which is then gone. */
  #handOut(companion: Companion): Bundle {
    const { keys } = companion;
    const preKey = keys.preKeys.shift();
    if (keys.preKeys.length < FEW_KEYS && !companion.warned) {
      companion.warned = true;
      const count = node("count", { value: String(keys.preKeys.length) });
      const attrs = { from: SERVER, type: "encrypt", id: this.newId(), t: seconds(this.#clock()) };
      companion.deliver(node("notification", attrs, [count]));
    }
    return { ...keys, ...(preKey ? { preKey } : {}) };
  }
}

/** WhatsApp's times are seconds since 1970, as text. */
export function seconds(milliseconds: number): string {
  return String(Math.floor(milliseconds / 1000));
}

function directMessage(parcel: Parcel, to: Account): SentMessage {
  const { from, id, message, addressing } = parcel;
  const common = { id, t: seconds(parcel.at), type: parcel.type, addressing_mode: addressing, ...parcel.attrs };
  const alt = parcel.withAlt ? from.alternative(addressing) : undefined;
  const recipientAlt = parcel.withAlt ? to.alternative(addressing) : undefined;
  const other = addressing === "lid" ? "pn" : "lid";
  const destination = to.address(addressing);
  return {
    id,
    message,
    ...(parcel.plaintext ? { plaintext: parcel.plaintext } : {}),
    destination,
    attrs: {
      ...common,
      from: from.address(addressing),
      ...(from.name ? { notify: from.name } : {}),
      ...(alt ? { [`sender_${other}`]: alt } : {}),
    },
    ownAttrs: {
      ...common,
      from: from.address(addressing),
      recipient: destination,
      ...(from.name ? { notify: from.name } : {}),
      ...(recipientAlt ? { [`peer_recipient_${other}`]: recipientAlt, [`recipient_${other}`]: recipientAlt } : {}),
    },
  };
}

function groupMessage(parcel: Parcel, group: string): SentMessage {
  const { from, id, message, addressing } = parcel;
  const alt = parcel.withAlt ? from.alternative(addressing) : undefined;
  const attrs = {
    id,
    t: seconds(parcel.at),
    type: parcel.type,
    from: group,
    participant: from.address(addressing),
    addressing_mode: addressing,
    ...(from.name ? { notify: from.name } : {}),
    ...(alt ? { [`participant_${addressing === "lid" ? "pn" : "lid"}`]: alt } : {}),
    ...parcel.attrs,
  };
  return { id, message, destination: group, group, attrs, ownAttrs: attrs };
}

function remember({ from, resends }: Parcel, sent: SentMessage): void {
  if (!resends) {
    return;
  }
  from.sent.set(sent.id, sent);
  const [oldest] = from.sent.keys();
  if (from.sent.size > KEPT && oldest !== undefined) {
    from.sent.delete(oldest);
  }
}

/** Flips the last bit of the encrypted part, which the message's checksum covers. */
function spoil(stanza: BinaryNode, corrupt = false): BinaryNode {
  if (!corrupt || !Array.isArray(stanza.content)) {
    return stanza;
  }
  const content = stanza.content.map((part) => {
    if (part.tag !== "enc" || !(part.content instanceof Uint8Array)) {
      return part;
    }
    const broken = Buffer.from(part.content);
    broken.writeUInt8(broken.readUInt8(broken.length - 1) ^ 1, broken.length - 1);
    return { ...part, content: broken };
  });
  return { ...stanza, content };
}
