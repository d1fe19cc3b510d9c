import type { BinaryNode } from "@whiskeysockets/baileys";
import { Mailbox } from "./mailbox.js";
import { OfflineQueue } from "./offline.js";
import type { Quiet } from "./quiet.js";
import type { SentMessage } from "./sent.js";
import { SignalDevice } from "./signal.js";

/** How a chat is addressed: by phone number or by LID. */
export type Addressing = "pn" | "lid";

/** A companion's connection, as far as it matters here. */
export interface Line {
  readonly open: boolean;
  send(node: BinaryNode): void;
  sendGarbage(): void;
  close(): void;
}

/** The public keys that a companion left with the server. */
export interface CompanionKeys {
  readonly registrationId: number;
  readonly identity: Buffer;
  signedPreKey: { readonly id: number; readonly key: Buffer; readonly signature: Buffer };
  /** One-time keys, each given out once. */
  readonly preKeys: { readonly id: number; readonly key: Buffer }[];
}

/** A linked device of an account: what a gateway is to WhatsApp. */
export class Companion {
  readonly queue = new OfflineQueue();
  connection: Line | undefined;
  /** Logged in, and everything that waited has been replayed. */
  live = false;
  /** Has uploaded one-time keys; before that nothing can be encrypted for it. */
  keyed = false;
  /** Has got the app-state key and the history that every new link gets. */
  synced = false;
  removed = false;
  /** The server has told it that its one-time keys run low. */
  warned = false;
  readonly #whenKeyed: (() => void)[] = [];

  constructor(
    readonly account: Account,
    readonly device: number,
    readonly noiseKey: Buffer,
    readonly keys: CompanionKeys,
  ) {}

  /** The device's address, as it logs in and as messages from it are marked. */
  address(addressing: Addressing): string {
    return this.account.address(addressing, this.device);
  }

  /** Runs `work` now, or once keys have been uploaded. */
  whenKeyed(work: () => void): void {
    if (this.keyed) {
      work();
    } else {
      this.#whenKeyed.push(work);
    }
  }

  uploaded(): void {
    this.keyed = true;
    this.warned = false;
    for (const work of this.#whenKeyed.splice(0)) {
      work();
    }
  }

  /** Sends a stanza that must arrive: now if it listens, else after its next login. */
  deliver(node: BinaryNode): void {
    const { connection } = this;
    this.queue.add(node, this.live && connection?.open ? (kept) => connection.send(kept) : undefined);
  }
}

/** A message from before the link. */
export interface Remembered {
  readonly from: Account;
  readonly id: string;
  readonly text: string;
  readonly at: number;
}

/** Somebody's WhatsApp account: addresses, the primary phone's keys and mail, linked companions. */
export class Account {
  readonly companions = new Map<number, Companion>();
  readonly blocked = new Set<Account>();
  readonly mailbox: Mailbox;
  /** What the phone sent lately, for those who ask again. */
  readonly sent = new Map<string, SentMessage>();
  /** Every phone number that the account ever had; a companion logs in with the one it was linked under. */
  readonly numbers = new Set<string>();
  /** Chats from before a companion was linked; they come to it as history. */
  readonly history: Remembered[] = [];
  /** When the phone can't decrypt something, it asks for it again as real ones do, besides recording the trouble. */
  asksAgain = false;
  /** Device numbers count up and are not reused. */
  lastDevice = 0;
  #signal: SignalDevice | undefined;
  readonly #quiet: Quiet;

  constructor(
    /** A number of our own that never changes; sessions hang on it, so that they survive a change of addresses. */
    readonly serial: number,
    public pn: string | undefined,
    public lid: string | undefined,
    public name: string,
    quiet: Quiet,
  ) {
    this.#quiet = quiet;
    this.mailbox = new Mailbox(() => this.label);
  }

  /** The primary phone's Signal keys and sessions, made when first needed. */
  get signal(): SignalDevice {
    this.#signal ??= new SignalDevice(this.#quiet);
    return this.#signal;
  }

  get label(): string {
    return this.name || this.pn || this.lid || `account ${this.serial}`;
  }

  /** The address in the wished form, or the other one when that is all there is. */
  address(addressing: Addressing, device = 0): string {
    const suffix = device === 0 ? "" : `:${device}`;
    if (this.lid !== undefined && (addressing === "lid" || this.pn === undefined)) {
      return `${this.lid}${suffix}@lid`;
    }
    if (this.pn !== undefined) {
      return `${this.pn}${suffix}@s.whatsapp.net`;
    }
    throw new Error(`${this.label} has no address any more.`);
  }

  /** The address of the other kind, where the person has one. */
  alternative(addressing: Addressing): string | undefined {
    if (this.pn === undefined || this.lid === undefined) {
      return undefined;
    }
    return this.address(addressing === "pn" ? "lid" : "pn");
  }
}
