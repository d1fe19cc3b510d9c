import type { Person, Pn } from "../access/identity.js";
import type { Access, Clock, Expected, Outcome } from "../access/index.js";
import type { Actor, Contact, Door, Held } from "../access/types.js";
import type { Message } from "../text.js";
import type { Inbound, LinkState, Me, Outbox } from "../whatsapp/types.js";

/** The rest of the running gateway as the owner's commands see it. Absent parts are absent when no gateway runs. */
export interface Gateway {
  readonly version: string;
  /** Milliseconds since 1970; absent when no gateway runs. */
  readonly startedAt?: number | undefined;
  link(): LinkState;
  /** What is wrong with the disk just now, one sentence; undefined where nothing is. */
  trouble?(): string | undefined;
  me(): Me | undefined;
  readonly silent: SilentMode;
  readonly responder: ResponderControl;
  readonly outbox?: Outbox;
  /** Handles messages that were held while their sender was pending. */
  release(contact: Contact, held: readonly Held[]): Promise<void>;
  /** Blocks or unblocks both addresses at WhatsApp; false when not linked. */
  block(contact: Contact, blocked: boolean): Promise<boolean>;
  /**
   * Whom a typed number belongs to: WhatsApp's own form of it, and the LID where WhatsApp tells it. Undefined when not
   * linked, null when not on WhatsApp.
   */
  onWhatsApp(pn: Pn): Promise<Person | null | undefined>;
  /** The last strangers without a valid token, newest first. */
  missed(): Promise<readonly Missed[]>;
  /** Where the dashboard is reached on the machine. */
  readonly dashboardUrl?: string | undefined;
  /** A login link for the dashboard; for WhatsApp only where it works on the owner's phone (`dashboard.publicUrl`). */
  loginLink?(door: Door): Promise<{ readonly url: string; readonly until: number } | undefined>;
}

/** The responder as the owner's commands see it. What is absent is absent without a responder. */
export interface ResponderControl {
  readonly name: string;
  /** What answers buddies: a model, the owner by relay, or nothing. */
  readonly mode?: "model" | "relay" | "off";
  readonly paused: boolean;
  pause(): void;
  resume(): void;
  /**
   * The owner's words that are no command.
   * @returns what to tell the owner, "taken" where an answer or nothing follows, "unmeant" where it is not for the responder
   */
  fromOwner?(message: Inbound): Promise<Message | "taken" | "unmeant">;
  /** How many messages of whom (by contact id) came in silent mode or in a pause and were not answered. */
  backlog?(): ReadonlyMap<string, number>;
  /** Answers what one contact wrote in silent mode or in a pause. */
  answer?(contactId: string): Promise<void>;
  /** Forgets the conversation with one contact. @returns how many turns */
  forget?(contactId: string): Promise<number>;
}

/** A stranger who wrote without a valid token. */
export interface Missed {
  /** When they wrote last, and what, in a few words. */
  readonly at: number;
  readonly what: string;
  /** A number, or "number hidden". */
  readonly who: string;
  readonly messages: number;
}

/** What became of a decision, with its consequences outside the book. */
export interface Decided {
  readonly outcome: Outcome;
  /** True: WhatsApp blocked or unblocked as wanted. False: it could not now, and is done when linked. Absent: not wanted. */
  readonly blocking?: boolean;
  /** Undo only: what the buddy had already been sent, and what can no longer be taken back. */
  readonly trace?: "none" | "greeting" | "handled" | "greeting and handled";
}

/**
 * Decisions with what follows from them (greeting, held messages, blocking), the same through every door (I6).
 * Made by {@link createDecider}; chat, command line and dashboard decide through it, never on `Access` directly.
 */
export interface Decider {
  approve(target: Contact | Person, by: Actor, options?: { name?: string; expect?: Expected }): Promise<Decided>;
  deny(target: Contact | Person, by: Actor, options?: { block?: boolean; expect?: Expected }): Promise<Decided>;
  remove(target: Contact | Person, by: Actor, options?: { expect?: Expected }): Promise<Decided>;
  /** Takes the last decision back, or `decisionId`. */
  undo(by: Actor, decisionId?: string): Promise<Decided>;
  /** The consequences of an approval that access made by itself (an `--auto` invite). */
  follow(outcome: Outcome): Promise<void>;
  /** Sees to what is held of a buddy whose record was just merged with that of a pending sender. */
  catchUp(contact: Contact): Promise<void>;
  /** Resolves when nothing of the contact's held messages waits for its grace (or the disk) any more, or at `stop`. */
  released(contact: Contact, stop: AbortSignal): Promise<void>;
}

/** Silent mode (I3, I4): on at every start, only the owner turns it off. */
export interface SilentMode {
  on(): boolean;
  /** When it returns to silent by itself, milliseconds since 1970. */
  until(): number | undefined;
  set(on: boolean, by: Actor, forMs?: number): Promise<void>;
}

/** Who asks, and what they can see. */
export interface CommandContext {
  readonly access: Access;
  readonly decider: Decider;
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly door: Door;
  readonly by: Actor;
  /** Chat only: the contact whose notice the command quotes, while the episode that it announced lasts. */
  readonly quoted?: Contact;
  /** Chat only: the last decision about the contact whose notice the command quotes, or what the quoted answer told. */
  readonly quotedDecision?: string;
  /** Chat only: why the quoted message can't say who is meant (a digest, an ended episode, no notice). */
  readonly unquotable?: Message;
  /** Chat only: when the command was sent, by this machine's clock, rounded down to the second. */
  readonly sentAt?: number;
  /** Chat only: contacts whose notice was sent before the command, with the name that it showed. */
  readonly shown?: ReadonlyMap<string, string>;
  readonly timezone: string;
}

/** What a command says back. `data` is what `--json` prints. */
export interface CommandResult {
  readonly ok: boolean;
  readonly message: Message;
  readonly data?: unknown;
  /** The message holds a secret: in the chat it is deleted for everyone once used or expired. */
  readonly secret?: { readonly until: number; readonly id?: string };
  /** Messages with these secrets (by their ids) are void now. */
  readonly voids?: readonly string[];
  /** Why it was refused or failed; `usage` is exit code 2. */
  readonly error?: { readonly code: string; readonly kind: "usage" | "refused" | "failed" };
}

/** What the chat says to a message of the owner. */
export type Said = Pick<CommandResult, "message" | "secret" | "voids">;

/** What a late order may still do. */
type Age = "looks" | "stricter" | "changes" | "this run";

/** One admin command: the same for chat, command line and `/help`. */
export interface Command {
  readonly name: string;
  /** What stands behind the name: `<ref…> [--block]`; "" where nothing does. */
  readonly usage: string;
  /** One line for `/help`. */
  readonly summary: string;
  /** For `/help <command>`: what it does, with examples. */
  readonly details: string;
  /**
   * What an order older than 15 minutes may still do (I11): `looks` and `stricter` are obeyed at any age,
   * `changes` is answered with a request to send it again. `this run` is that, and besides an order from before the
   * gateway's start is (I4). A function decides by its arguments and the book.
   */
  readonly age: Age | ((args: readonly string[], context: CommandContext) => Age);
  run(args: readonly string[], context: CommandContext): Promise<CommandResult>;
}
