import type { Addressing } from "./account.js";
import type { TextOptions } from "./content.js";

/** Somebody who gets a phone. */
export interface Person {
  /** Digits with the country code, no plus. */
  readonly pn?: string;
  /** The LID's digits; a new one unless given. null: the person has none. */
  readonly lid?: string | null;
  /** The push name. */
  readonly name?: string;
  /** Other ways to dial the number, which WhatsApp resolves to `pn`. */
  readonly alsoDialled?: readonly string[];
  /** Ask again for what can't be decrypted, as real phones do. Otherwise `next()` fails at once. */
  readonly asksAgain?: boolean;
}

/** How a message travels. */
export interface TravelOptions {
  /** How the chat is addressed; "lid" unless said otherwise, as most chats are today. */
  readonly addressing?: Addressing;
  /** Whether the stanza names the sender's other address too; it does unless said otherwise. */
  readonly withAlt?: boolean;
  /** WhatsApp's time of the message, milliseconds since 1970; now unless said otherwise. */
  readonly timestamp?: number;
  /** The message id; a new one unless said otherwise. */
  readonly id?: string;
  /** Breaks the ciphertext for the companions, so that they have to ask again (a retry receipt). */
  readonly corrupt?: boolean;
  /** Gives the companions the stanza without content, so that they have to ask the own phone for it. */
  readonly absent?: boolean;
  /** Whether it is sent again to a companion that can't read it and asks; it is unless said otherwise. */
  readonly resends?: boolean;
}

export type SendOptions = TravelOptions &
  TextOptions & {
    /** Brings the secret that edits of it are sealed with, as all that phones write does. */
    readonly secret?: boolean;
  };

/** Names the message that a reaction, an edit or a revocation is about. */
export interface TargetOptions extends TravelOptions {
  /** Whether the one who acts wrote the target; for reactions it is so only in the chat with oneself, unless said otherwise. */
  readonly fromMe?: boolean;
  /** Seals an edit, as phones do since May 2026. What it changes was sent with its `secret`. */
  readonly sealed?: boolean;
}
