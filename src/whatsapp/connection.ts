import { once } from "node:events";
import {
  type BinaryNode,
  getBinaryNodeChild,
  type WAMessageContent,
  type WAMessageKey,
  type WASocket,
} from "@whiskeysockets/baileys";
import type { Person, Pn } from "../access/identity.js";
import { KafclawError } from "../access/types.js";
import { askLids, block, onWhatsApp, writtenSo } from "./questions.js";
import { type Asked, sendAgain, sendAndWait } from "./send.js";
import type { Ack, Signal, WireContent } from "./types.js";

/**
 * How long the last message that waited at WhatsApp has to be handled, after it was read and WhatsApp said that all came; and
 * how long all of that may take from the login.
 */
const HEARING_MS = 2_000;
const LONGEST_MS = 30_000;

/** One connection to WhatsApp, from its making to its end: what is sent and asked on it, and why it ended. */
export class Connection {
  private readonly ending = new AbortController();
  private ownFailure: KafclawError | undefined;
  private readonly hearingAll = new AbortController();
  /** Runs from when WhatsApp said that all came, where anything had waited, and anew with each such message that is read. */
  private hearing: NodeJS.Timeout | undefined;

  constructor(private readonly socket: WASocket) {
    socket.ws.on("CB:ib,,offline", (node: BinaryNode) => {
      const isNothing = getBinaryNodeChild(node, "offline")?.attrs.count === "0";
      this.hearing = this.catchUpIn(isNothing ? 0 : HEARING_MS);
    });
    socket.ev.on("connection.update", ({ connection }) => {
      if (connection === "open") this.catchUpIn(LONGEST_MS);
      if (connection !== "close") return;
      this.ending.abort();
      // What Baileys still buffers would be thrown away with the socket.
      this.flush();
    });
  }

  /** Aborted at its end, for those who wait for an answer on it. */
  get ended(): AbortSignal {
    return this.ending.signal;
  }

  /** Aborted once all that waited at WhatsApp has come, and had its time to be handled. */
  get caughtUp(): AbortSignal {
    return this.hearingAll.signal;
  }

  /** A message that waited at WhatsApp was read: others may follow. */
  readOne(): void {
    if (!this.caughtUp.aborted) this.hearing?.refresh();
  }

  private catchUpIn(ms: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      if (!this.ended.aborted) this.hearingAll.abort();
    }, ms);
    return timer.unref();
  }

  /** Why we ended it ourselves, where something of our own failed and a person can do something about it. */
  get failure(): KafclawError | undefined {
    return this.ownFailure;
  }

  /** Hands out the events that Baileys holds back, credentials among them. */
  flush(): void {
    this.socket.ev.flush();
  }

  /** Ends it. Safe to call again. */
  async end(): Promise<void> {
    this.ending.abort();
    await this.socket.end(undefined);
  }

  /** Ends it because something failed underneath (a full disk); what fails after the end ended nothing. */
  fail(error: unknown): void {
    if (this.ended.aborted) return;
    if (error instanceof KafclawError) this.ownFailure ??= error;
    void this.socket.end(error instanceof Error ? error : new Error(String(error)));
  }

  /** Tells WhatsApp that this device goes, and ends it. @returns whether WhatsApp could be told */
  async logout(): Promise<boolean> {
    this.ending.abort();
    const isTold = await this.socket.logout().then(
      () => true,
      () => false,
    );
    if (!isTold) await this.end();
    return isTold;
  }

  /** A code to link by, for the phone with this number (digits). */
  requestPairingCode(phone: string): Promise<string> {
    return this.socket.requestPairingCode(phone);
  }

  send(jid: string, id: string, content: WireContent, mayLeave: () => boolean): Promise<Ack> {
    return sendAndWait(this.socket, { jid, id, content, mayLeave, ended: this.ended });
  }

  /** What a device that asks for a message again gets, if anything. */
  async sendAgain(key: WAMessageKey, asked: Omit<Asked, "socket">): Promise<WAMessageContent | undefined> {
    // The owner may have shut them out meanwhile.
    if (!this.caughtUp.aborted) await once(this.caughtUp, "abort");
    return sendAgain(key, { ...asked, socket: this.socket });
  }

  async signal(jid: string, signal: Signal): Promise<void> {
    const sent =
      signal.kind === "read"
        ? this.socket.sendReceipt(jid, undefined, [...signal.ids], "read")
        : this.socket.sendPresenceUpdate(signal.on ? "composing" : "paused", jid);
    await sent.catch(() => {});
  }

  onWhatsApp(pn: string): Promise<string | null | undefined> {
    return onWhatsApp(this.socket, pn);
  }

  writtenSo(pns: readonly Pn[]): Promise<readonly Pn[] | undefined> {
    return writtenSo(this.socket, pns);
  }

  askLids(pns: readonly Pn[]): Promise<void> {
    return askLids(this.socket, pns);
  }

  block(person: Person, blocked: boolean): Promise<boolean> {
    return block(this.socket, person, blocked);
  }
}
