import type { Lid, Person, Pn } from "../access/identity.js";
import type { Access } from "../access/index.js";
import type { Scheduler } from "../clock.js";
import type { Collection } from "../store/types.js";
import type { Message } from "../text.js";
import type { FetchMedia, Outbox, Signal } from "../whatsapp/types.js";
import type { ConversationDoc } from "./book.js";
import type { Asked } from "./model.js";

/** What the responder is made of; its rooms take what they need of it. */
export interface ResponderParts {
  readonly collection: Collection<ConversationDoc>;
  readonly access: Access;
  readonly outbox: Outbox & {
    isHeld(key: string): boolean;
    revive(key: string): Promise<void>;
    dropHeld(key: string): Promise<void>;
    signal(to: Person, signal: Signal, address?: Pn | Lid): void;
  };
  readonly settings: {
    readonly turns: number;
    readonly contextTokens: number;
    readonly dailyLimit: number;
    readonly ackReaction: string | undefined;
    readonly mediaLimit: number;
    readonly mediaQuota: number;
    /** Whether the model answers the owner's notes to self. */
    readonly selfChat: boolean;
  };
  /** Absent: the bot relays on its own number, and is quiet in self-chat. */
  readonly model: Asked | undefined;
  readonly soulPath: string;
  /** The folder for buddies' files. */
  readonly mediaPath: string;
  readonly fetchMedia: FetchMedia;
  readonly timezone: string;
  readonly silent: () => boolean;
  readonly paused: () => boolean;
  /** WhatsApp's time: the age of an owner's reply is measured by it. */
  readonly serverNow: () => number;
  /** Tells the owner; the same key is told once while it waits, an alarm once an hour at most and at any time of day. */
  readonly tell: (key: string, message: Message, alarm?: boolean) => Promise<void>;
  readonly clock: () => number;
  readonly scheduler: Scheduler;
  readonly log: {
    info(details: object, message: string): void;
    warn(details: object, message: string): void;
    error(details: object, message: string): void;
  };
}
