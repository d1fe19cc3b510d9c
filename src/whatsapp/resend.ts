import { type BinaryNode, jidNormalizedUser, proto, type WASocket } from "@whiskeysockets/baileys";
import PQueue from "p-queue";
import type { Logger } from "pino";
import { MINUTE } from "../clock.js";
import { type Journal, journalId } from "./journal.js";

/** How long the sender's own retry gets before our phone is asked. */
const GRACE_MS = 5_000;
/** So many messages may wait to be read at a time; only contacts' messages get here. */
const WATCHED = 1_000;
/** A flood of broken messages asks for no more than so many a minute. */
const ASKED_PER_MINUTE = 20;

export interface ResendOptions {
  readonly journal: Journal;
  /** Only messages of contacts and the owner are worth a request. */
  readonly isKnown: (user: string) => boolean;
  readonly log: Logger;
}

/**
 * Asks our own phone for messages that this device could not decrypt and that the sender did not send again.
 *
 * rc14 would ask by itself, but waits two seconds for each such message with all other messages behind it, so that any
 * stranger could hold up the owner; that is switched off (see socket.ts) and done here, beside the line. Baileys has such a
 * message acknowledged, so WhatsApp does not send it again on the next connection: it is asked for there.
 */
export class ResendRequests {
  /** Messages that were not read, by id. */
  private readonly missing = new Map<string, BinaryNode["attrs"]>();
  /** Those whose grace runs, while there is a connection. */
  private readonly waiting = new Map<string, NodeJS.Timeout>();
  private readonly asking = new PQueue({ concurrency: 1, intervalCap: ASKED_PER_MINUTE, interval: MINUTE });

  constructor(private readonly options: ResendOptions) {}

  /** A message came that may turn out unreadable. */
  watch(socket: WASocket, { attrs }: BinaryNode): void {
    const { from, id, recipient, category } = attrs;
    if (!from || !id || recipient || category === "peer" || this.missing.size >= WATCHED) return;
    const user = from.split(/[:@]/)[0] ?? "";
    if (!this.options.isKnown(user) || this.missing.has(id)) return;
    this.missing.set(id, attrs);
    this.wait(socket, id);
  }

  /** A message was read: those that were not keep their room. */
  read(id: string): void {
    clearTimeout(this.waiting.get(id));
    this.waiting.delete(id);
    this.missing.delete(id);
  }

  /** A connection is open: what was missing on the last one gets its grace on this one. */
  opened(socket: WASocket): void {
    for (const id of this.missing.keys()) if (!this.waiting.has(id)) this.wait(socket, id);
  }

  /** The connection ended: what is still missing waits for the next. */
  ended(): void {
    for (const timer of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
    this.asking.clear();
  }

  private wait(socket: WASocket, id: string): void {
    const timer = setTimeout(() => {
      void this.asking
        .add(() => this.ask(socket, id))
        .catch((error) => this.options.log.debug({ err: error }, "resend request failed"));
    }, GRACE_MS);
    this.waiting.set(id, timer);
  }

  private async ask(socket: WASocket, id: string): Promise<void> {
    const attrs = this.missing.get(id);
    if (!attrs) return;
    if (!(await this.options.journal.get(journalId(attrs)))) {
      const messageKey = { remoteJid: jidNormalizedUser(attrs.from), fromMe: false, id };
      await socket.sendPeerDataOperationMessage({
        placeholderMessageResendRequest: [{ messageKey }],
        peerDataOperationRequestType: proto.Message.PeerDataOperationRequestType.PLACEHOLDER_MESSAGE_RESEND,
      });
    }
    this.read(id);
  }
}
