import { type BinaryNode, jidDecode } from "@whiskeysockets/baileys";

/** One stanza on its way to a companion, kept until the companion says that it took it. */
interface Entry {
  readonly node: BinaryNode;
  sent: boolean;
}

/**
 * What WhatsApp keeps for a companion. Every stanza stays until its receipt or ack came, so one that was not answered
 * comes again after a reconnect: at least once.
 */
export class OfflineQueue {
  readonly #entries = new Set<Entry>();
  readonly #byId = new Map<string, Entry[]>();

  get size(): number {
    return this.#entries.size;
  }

  /** Keeps a stanza; `send` is called at once while the companion listens. */
  add(node: BinaryNode, send: ((node: BinaryNode) => void) | undefined): void {
    const entry: Entry = { node, sent: false };
    this.#entries.add(entry);
    const id = node.attrs.id ?? "";
    this.#byId.set(id, [...(this.#byId.get(id) ?? []), entry]);
    if (send !== undefined) {
      entry.sent = true;
      send(node);
    }
  }

  /** Sends everything that is kept, marked as offline. @returns how many. */
  replay(send: (node: BinaryNode) => void): number {
    let count = 0;
    for (const entry of this.#entries) {
      entry.sent = true;
      send({ ...entry.node, attrs: { ...entry.node.attrs, offline: String(count) } });
      count += 1;
    }
    return count;
  }

  /** Forgets what the companion took: the oldest sent stanza of that kind and id, from that address if there are several. */
  take(tag: string, id: string, from: string | undefined): boolean {
    const candidates = (this.#byId.get(id) ?? []).filter((entry) => entry.sent && entry.node.tag === tag);
    const taken = candidates.find((entry) => sameUser(entry.node.attrs.from, from)) ?? candidates[0];
    if (taken === undefined) {
      return false;
    }
    this.#entries.delete(taken);
    const rest = (this.#byId.get(id) ?? []).filter((entry) => entry !== taken);
    if (rest.length === 0) {
      this.#byId.delete(id);
    } else {
      this.#byId.set(id, rest);
    }
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#byId.clear();
  }
}

function sameUser(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && jidDecode(one)?.user === jidDecode(other)?.user;
}
