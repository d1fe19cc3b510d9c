import type { Person } from "../../../src/access/identity.js";
import { personFrom } from "../../../src/access/identity.js";
import type { Collection } from "../../../src/store/types.js";
import {
  createOutbox,
  type OutboxDoc,
  type OutboxOptions,
  type RunningOutbox,
} from "../../../src/whatsapp/outbox/index.js";
import type { Known } from "../../../src/whatsapp/outbox/types.js";
import type { Ack, Parcel, Signal, Wire, WireContent } from "../../../src/whatsapp/types.js";
import { Clockwork } from "../../clockwork.js";

export const ALICE = person("15550002000@s.whatsapp.net", "2000@lid");
export const BOB = person("15550003000@s.whatsapp.net");
export const OWNER = person("15550001000@s.whatsapp.net", "1000@lid");
export const DAY = 24 * 60 * 60 * 1000;

export function person(...jids: readonly string[]): Person {
  const found = personFrom(...jids);
  if (!found) throw new Error(`no person: ${jids.join()}`);
  return found;
}

export function text(to: Person, text: string, more: Partial<Extract<Parcel, { kind: "text" }>> = {}): Parcel {
  return { kind: "text", to, text, ...more };
}

/** How many messages wait. */
export function waiting(outbox: RunningOutbox): number {
  return outbox.posted().filter(({ state }) => state === "waiting").length;
}

export interface Sent {
  readonly jid: string;
  readonly id: string;
  readonly content: WireContent;
  readonly at: number;
  answer(ack: Ack): void;
}

/** The lines of `outbox.db`, without the disk; `full` makes every write fail as a full disk does. */
export class MemoryCollection implements Collection<OutboxDoc> {
  readonly docs = new Map<string, OutboxDoc>();
  full = false;

  async get(id: string): Promise<OutboxDoc | undefined> {
    return this.docs.get(id);
  }

  async find(): Promise<OutboxDoc[]> {
    return [...this.docs.values()].sort((a, b) => a.seq - b.seq);
  }

  async count(): Promise<number> {
    return this.docs.size;
  }

  async put(doc: OutboxDoc): Promise<void> {
    return this.putAll([doc]);
  }

  async putAll(docs: readonly OutboxDoc[]): Promise<void> {
    if (this.full) throw new Error("disk full");
    for (const doc of docs) this.docs.set(doc._id, structuredClone(doc));
  }

  async remove(ids: readonly string[]): Promise<number> {
    if (this.full) throw new Error("disk full");
    return ids.filter((id) => this.docs.delete(id)).length;
  }

  async close(): Promise<void> {}
}

/** A wire whose answers the test gives, and time that the test winds. */
export class Rig extends Clockwork {
  silent = false;
  /** Whose chat is the admin chat. */
  owner: Person | undefined = OWNER;
  readonly sent: Sent[] = [];
  readonly failed: { readonly id: string; readonly error: number | "expired" }[] = [];
  readonly suppressed: string[] = [];
  /** Answers at once with this, where it is set. */
  auto: Ack | undefined = { kind: "acked" };
  /** Who somebody is by now. */
  whoNow: (to: Person) => Known | undefined = (to) => to;
  private ids = 0;
  private openListeners: (() => void)[] = [];
  private isOpen = true;
  private isCaughtUp = true;

  constructor(
    readonly collection: Collection<OutboxDoc> = new MemoryCollection(),
    private readonly pace?: OutboxOptions["pace"],
  ) {
    super();
  }

  readonly signals: { readonly jid: string; readonly signal: Signal }[] = [];
  readonly wire: Wire = (() => {
    const rig = this;
    return {
      get open() {
        return rig.isOpen;
      },
      get caughtUp() {
        return rig.isCaughtUp;
      },
      onOpen: (listener: () => void) => void rig.openListeners.push(listener),
      signal: async (jid: string, signal: Signal) => void this.signals.push({ jid, signal }),
      send: (jid: string, id: string, content: WireContent) =>
        new Promise<Ack>((answer) => {
          rig.sent.push({ jid, id, content, at: rig.now, answer });
          if (rig.auto) answer(rig.auto);
        }),
    };
  })();

  /** Opens the outbox as a start of the gateway does; again, as after a crash. */
  async start(): Promise<RunningOutbox> {
    this.forget();
    this.openListeners = [];
    const quick = { burst: 1_000, everyMs: 1, jitter: 0 };
    return createOutbox({
      collection: this.collection,
      wire: this.wire,
      clock: () => this.now,
      random: () => 1,
      scheduler: this,
      newId: () => `3EB0${String(++this.ids).padStart(4, "0")}`,
      mayLeave: (to) => (this.silent && to.pn !== this.owner?.pn ? "silent" : "send"),
      isAdmin: (to) => to.pn === this.owner?.pn,
      whoNow: (to) => this.whoNow(to),
      onSuppressed: ({ id }) => this.suppressed.push(id),
      onFailed: ({ id }, error) => this.failed.push({ id, error }),
      log: { info() {}, warn() {} },
      pace: this.pace ?? { buddies: quick, admin: quick },
    });
  }

  close(): void {
    this.isOpen = false;
  }

  /** @param isCaughtUp whether what waited at WhatsApp was heard by now */
  open(isCaughtUp = true): void {
    this.isOpen = true;
    this.isCaughtUp = isCaughtUp;
    for (const listener of this.openListeners) listener();
  }

  /** Lets happen what can, on the disk too, until something is so. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.settled();
  }

  /** Answers the last message that went out, and lets happen what follows. */
  async answer(ack: Ack): Promise<void> {
    this.sent.at(-1)?.answer(ack);
    await this.settled();
  }

  texts(): readonly string[] {
    return this.sent.map(({ content }) => (content.kind === "text" ? content.text : content.kind));
  }
}
