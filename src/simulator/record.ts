import type { BinaryNode, proto } from "@whiskeysockets/baileys";
import type { Account, Companion } from "./account.js";
import { Watch } from "./watch.js";

/** What one device got of a message. */
export interface Delivered {
  /** The recipient's address, as the companion wrote it. */
  readonly jid: string;
  readonly message: proto.IMessage;
}

/** One stanza that a companion sent, decrypted. */
export interface Stanza {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The stanza's tag: message, receipt, ack, presence, chatstate, iq, ib, call, notification, … */
  readonly kind: string;
  readonly node: BinaryNode;
  /** The address that it names as its recipient; "" when it names none. */
  readonly to: string;
  /** The address of the companion that sent it; "" before it is linked. */
  readonly from: string;
  /** For a message: what the recipient got (for a message to the own phone, with the device-sent wrapper taken off). */
  readonly message?: proto.IMessage;
  /** For a message: what each phone got, the own phone's device-sent copy included. */
  readonly delivered: readonly Delivered[];
}

/** Everything that the companions sent, in order. */
export class WireRecord {
  readonly stanzas: Stanza[] = [];
  readonly #people = new WeakMap<Stanza, ReadonlySet<Account>>();
  readonly #watch = new Watch();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  add(
    companion: Companion | undefined,
    node: BinaryNode,
    people: ReadonlySet<Account>,
    delivered: readonly Delivered[] = [],
    message?: proto.IMessage,
  ): void {
    const stanza: Stanza = {
      at: this.#clock(),
      kind: node.tag,
      node,
      to: node.attrs.to ?? "",
      from: companion?.address("pn") ?? "",
      delivered,
      ...(message ? { message } : {}),
    };
    this.stanzas.push(stanza);
    this.#people.set(stanza, people);
    this.#watch.changed();
  }

  /** The stanzas meant for a person, under any of their addresses. */
  to(account: Account): Stanza[] {
    return this.stanzas.filter((stanza) => this.#people.get(stanza)?.has(account));
  }

  clear(): void {
    this.stanzas.length = 0;
  }

  wait(fits: (stanza: Stanza) => boolean, timeoutMs?: number): Promise<Stanza> {
    const complaint = (): string => {
      const last = this.stanzas.slice(-5).map((stanza) => `<${stanza.kind} to="${stanza.to}">`);
      return `No stanza that fits was sent. The last ones: ${last.join(", ") || "none"}.`;
    };
    return this.#watch.until(() => this.stanzas.find(fits), complaint, timeoutMs);
  }
}
