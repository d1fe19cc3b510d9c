import type { proto } from "@whiskeysockets/baileys";

/** A message of a phone, before it is encrypted for each device. */
export interface SentMessage {
  readonly id: string;
  readonly message: proto.IMessage;
  /** What is encrypted in place of the message: bytes that need not be one. */
  readonly plaintext?: Uint8Array;
  /** The stanza for a recipient's companion, without its encrypted part. */
  readonly attrs: Readonly<Record<string, string>>;
  /** The stanza for the sender's own companions; they get the message wrapped as sent by another own device. */
  readonly ownAttrs: Readonly<Record<string, string>>;
  /** What the own companions' copy names as the chat. */
  readonly destination: string;
  /** Group and status messages go out under a sender key. */
  readonly group?: string;
}
