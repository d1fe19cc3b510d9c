import { addressesOf, type Person } from "../../access/identity.js";

/** A parcel with something left to send. */
export interface Waiting {
  readonly docId: string;
  /** Its person, with the address that the parcel named. */
  to: Person;
  /** The id of the item that was last on the wire, whose answer is still missing: it may have arrived. */
  tried: string | undefined;
  /** Taken back while on the wire: not to be sent again. */
  cancelled: boolean;
  /** How often in a row there was no answer, or a refusal. */
  losses: number;
  refusals: number;
  /** How often it was set aside, so that what was posted later goes before it. */
  setAside: number;
  /** Not before this time, because of a failure. */
  retryAt: number;
}

/** Who goes next: the parcels of one chat one after the other, but for what was set aside; the chats in turn. */
export class OutboxQueue {
  /** In the order of posting. */
  private readonly entries = new Map<string, Waiting>();
  /** What is on the wire now, and whether it counts against the chats that are served at a time. */
  private readonly onWire = new Map<Waiting, { readonly counts: boolean }>();
  /** When an address was last served, counted in turns. */
  private readonly served = new Map<string, number>();
  private turn = 0;

  get size(): number {
    return this.entries.size;
  }

  /** @param tried the item that may have been on the wire before a crash */
  add(docId: string, to: Person, tried: string | undefined): void {
    this.entries.set(docId, { docId, to, tried, cancelled: false, losses: 0, refusals: 0, setAside: 0, retryAt: 0 });
  }

  remove(docId: string): void {
    this.entries.delete(docId);
    if (this.entries.size === 0) this.served.clear();
  }

  get(docId: string): Waiting | undefined {
    return this.entries.get(docId);
  }

  all(): readonly Waiting[] {
    return [...this.entries.values()];
  }

  /** The first parcel of each chat with nothing on the wire; who was served longest ago comes first. */
  heads(): readonly Waiting[] {
    const taken = new Set<string>([...this.onWire.keys()].flatMap(({ to }) => addressesOf(to)));
    const heads: Waiting[] = [];
    for (const entry of this.entries.values()) {
      const addresses = addressesOf(entry.to);
      if (!addresses.some((address) => taken.has(address))) heads.push(entry);
      if (entry.setAside > 0) continue;
      // Also where it has to wait itself: what knows both addresses of a person keeps both in order.
      for (const address of addresses) taken.add(address);
    }
    return heads.sort((a, b) => this.servedAt(a) - this.servedAt(b));
  }

  isOnWire(entry: Waiting): boolean {
    return this.onWire.has(entry);
  }

  /** How many chats are being served, of those that count. */
  counted(): number {
    return [...this.onWire.values()].filter(({ counts }) => counts).length;
  }

  leave(entry: Waiting, counts: boolean): void {
    this.onWire.set(entry, { counts });
    this.turn += 1;
    for (const address of addressesOf(entry.to)) this.served.set(address, this.turn);
  }

  arrive(entry: Waiting): void {
    this.onWire.delete(entry);
  }

  private servedAt({ to }: Waiting): number {
    return Math.max(0, ...addressesOf(to).map((address) => this.served.get(address) ?? 0));
  }
}
