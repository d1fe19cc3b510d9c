import type { BinaryNode } from "@whiskeysockets/baileys";
import { DAY } from "../clock.js";
import type { Collection, Doc } from "../store/types.js";
import { isOwnPhone } from "./envelope.js";
import type { Me } from "./types.js";

interface PhoneDoc extends Doc {
  /** The last sign of the phone, milliseconds since 1970, to the day. */
  readonly seen: number;
  /** The sign after which its absence was told. */
  readonly told?: number;
}

const ID = "phone";
/** WhatsApp unlinks a companion when the phone has been away for about two weeks; from here on the owner should know. */
const AWAY_MS = 12 * DAY;

/** Signs of life of the phone that this gateway is linked to: whatever WhatsApp passes on from it. */
export class Phone {
  private constructor(
    private readonly settings: Collection<PhoneDoc>,
    private readonly clock: () => number,
    private doc: PhoneDoc,
  ) {}

  static async open(settings: Collection<Doc>, clock: () => number): Promise<Phone> {
    // The settings file holds documents of several kinds; this id belongs to this class alone.
    const collection = settings as Collection<PhoneDoc>;
    const known = await collection.get(ID);
    const doc = known ?? { _id: ID, seen: clock() };
    if (!known) await collection.put(doc);
    return new Phone(collection, clock, doc);
  }

  /** Takes any stanza; those of our own phone are signs of it. Written once a day at most. */
  async watch({ tag, attrs }: BinaryNode, me: Me | undefined): Promise<void> {
    // An ack is the server's own, also for what the bot sent to its own number.
    if (me && tag !== "ack" && isOwnPhone(attrs, me)) await this.seen();
  }

  /** The phone is there: it has just linked us, say. */
  async seen(): Promise<void> {
    const now = this.clock();
    if (Math.abs(now - this.doc.seen) < DAY && this.doc.told === undefined) return;
    this.doc = { _id: ID, seen: now };
    await this.settings.put(this.doc);
  }

  /** Days since the last sign, once an absence, when it has become so long that WhatsApp may soon unlink us. */
  async absence(): Promise<number | undefined> {
    const { doc } = this;
    const away = this.clock() - doc.seen;
    if (away < AWAY_MS || doc.told === doc.seen) return undefined;
    // Told only once it is on disk: what the disk does not take is told the next time.
    const told = { ...doc, told: doc.seen };
    await this.settings.put(told);
    if (this.doc === doc) this.doc = told;
    return Math.floor(away / DAY);
  }
}
