import type { Readable } from "node:stream";
import type { Lid, Person, Pn } from "../access/identity.js";

/** The kinds of files that WhatsApp knows. */
export type MediaKind = "image" | "video" | "audio" | "voice" | "document" | "sticker";

/** Where WhatsApp keeps a file, and the key to it; bytes in base64. As the sender says, so nothing of it is to be trusted. */
export interface MediaFile {
  readonly directPath: string;
  readonly url?: string;
  readonly mediaKey: string;
  readonly sha256: string;
  readonly encryptedSha256: string;
  /** Bytes. */
  readonly length: number;
  readonly mimetype: string;
  /** When the key was made, seconds since 1970. */
  readonly keyTimestamp?: number;
}

/**
 * Opens a file as a stream of its decrypted bytes, which ends in an error where the file is not what its key says: nothing
 * is to be done with the bytes before the end.
 * @throws an error whose `why` is `gone`, `unreachable` or `damaged`; `signal`'s reason
 */
export type FetchMedia = (file: MediaFile, kind: MediaKind, signal: AbortSignal) => Promise<Readable>;

/** What a message holds, after every wrapper was taken off. */
export type Content =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "reaction"; readonly emoji: string; readonly target: string }
  | { readonly kind: "edit"; readonly text: string; readonly target: string }
  | { readonly kind: "revoke"; readonly target: string }
  | {
      readonly kind: "media";
      readonly media: MediaKind;
      readonly caption: string;
      /** Length of audio and video, seconds. */
      readonly seconds?: number;
      readonly fileName?: string;
      /** Absent where the message does not say where its file is. */
      readonly file?: MediaFile;
    }
  | {
      readonly kind: "other";
      readonly type: string;
      /** What a location, a contact, a poll or an event says, in one line. */
      readonly card?: string;
    };

/** One message as it came in, normalised; made from a journal record, never from a Baileys event. */
export interface Inbound {
  /** The journal's key: sender and WhatsApp message id. */
  readonly journalId: string;
  /** WhatsApp's message id. */
  readonly id: string;
  /** Where it was written. For a direct chat the other person (with fromMe, whom the message went to). */
  readonly chat:
    | { readonly kind: "person"; readonly person: Person; readonly address: Pn | Lid }
    | {
        readonly kind: "group" | "broadcast" | "status" | "newsletter" | "other";
        readonly jid: string;
      };
  /** Who wrote it. */
  readonly sender: Person;
  /** Written by the linked account itself, on another of its devices. */
  readonly fromMe: boolean;
  /** Cleaned push name; "" when unknown. */
  readonly name: string;
  /** WhatsApp's timestamp, milliseconds since 1970. */
  readonly at: number;
  readonly content: Content;
  /** The message was forwarded. */
  readonly forwarded: boolean;
  /** The WhatsApp id of the message that this one quotes. */
  readonly quotes?: string;
  /** The chat's disappearing-message time in seconds, where it has one. */
  readonly expiration?: number;
  /** It came while nobody listened: WhatsApp kept it, or an earlier run of the gateway left it. */
  readonly waited?: boolean;
}

/** The link's states (mirrored by `kafclaw status --json`). */
export type LinkCode = "open" | "connecting" | "unlinked" | "loggedOut" | "conflict";

/** The link as shown to people: what it is, in one sentence, and what to do about it. */
export interface LinkState {
  readonly code: LinkCode;
  readonly sentence: string;
  readonly remedy: string;
  /** WhatsApp's disconnect code behind it, where there is one. */
  readonly reason?: number;
  readonly since: number;
}

/** The linked account. */
export interface Me {
  readonly pn: Pn;
  readonly lid?: Lid;
}

/** What `whatsapp-auth --json` prints and `GET /api/v1/link` answers. */
export type LinkEvent =
  | { readonly event: "connecting" }
  | { readonly event: "qr"; readonly data: string }
  | { readonly event: "pairing-code"; readonly code: string }
  | { readonly event: "linked"; readonly jid: string; readonly lid: string | null }
  | { readonly event: "error"; readonly code: string; readonly message: string };

/** What can be put into the outbox. Text is already rendered for WhatsApp. */
export type Parcel =
  | {
      readonly kind: "text";
      readonly to: Person;
      readonly address?: Pn | Lid;
      readonly text: string;
      /** Same key, same effect: a second parcel with a key that was seen before is not sent (I10). */
      readonly key?: string;
      /** The message to quote: its WhatsApp id, who wrote it, and its text. */
      readonly quote?: { readonly id: string; readonly fromMe: boolean; readonly text: string };
      readonly expiration?: number;
      /** Not before this time, milliseconds since 1970 (the grace after an approval). */
      readonly notBefore?: number;
    }
  | {
      /** A file that is on WhatsApp's servers already: it goes on as it is, without being uploaded again. */
      readonly kind: "media";
      readonly to: Person;
      readonly address?: Pn | Lid;
      readonly media: MediaKind;
      readonly file: MediaFile;
      readonly caption: string;
      readonly seconds?: number;
      readonly fileName?: string;
      readonly key?: string;
      readonly expiration?: number;
    }
  | {
      readonly kind: "reaction";
      readonly to: Person;
      readonly address?: Pn | Lid;
      readonly emoji: string;
      readonly target: { readonly id: string; readonly fromMe: boolean };
      readonly key?: string;
    }
  | {
      /** Delete for everyone one of our own messages (a secret that was used or expired). */
      readonly kind: "delete";
      readonly to: Person;
      readonly address?: Pn | Lid;
      readonly target: string;
      readonly key?: string;
    };

/** What is shown for a moment and worth nothing late: never kept, and never sent later. */
export type Signal =
  | { readonly kind: "typing"; readonly on: boolean }
  /** The blue ticks under these messages, by WhatsApp id. */
  | { readonly kind: "read"; readonly ids: readonly string[] };

/** What became of a parcel. */
export type ParcelState = "waiting" | "sent" | "suppressed" | "failed" | "cancelled";

/** Why something was suppressed: silent mode was on, or it was for somebody who is no buddy. */
export type Suppression = "silent" | "no-buddy";

/** The one door out (I3). Made by `whatsapp/outbox/`; everything else sees only this. */
export interface Outbox {
  /**
   * Takes a parcel; when it resolves, the parcel is on disk and survives a crash.
   * @returns the WhatsApp ids it will go out under (several when a long text is split), in order; for a key that was
   * seen before, the ids of the first time.
   */
  post(parcel: Parcel): Promise<readonly string[]>;
  /** Takes back what has not left yet, by key. */
  cancel(key: string): Promise<number>;
  /**
   * The parcel with this key, where one was ever posted: to whom, and when (milliseconds since 1970). `isLost`: nothing of
   * it went out, and it does not wait for that either; it was suppressed, refused or taken back.
   */
  withKey(key: string): { readonly to: Person; readonly at: number; readonly isLost: boolean } | undefined;
  /** Had WhatsApp taken these messages, by their ids, at a time (milliseconds since 1970)? What is long forgotten, it had. */
  hadLeft(ids: readonly string[], at: number): boolean;
}

/** What goes over the wire in one message: a parcel, or one chunk of a long text. Kept in `outbox.db`. */
export type WireContent =
  | {
      readonly kind: "text";
      readonly text: string;
      readonly quote?: { readonly id: string; readonly fromMe: boolean; readonly text: string };
      readonly expiration?: number;
    }
  | {
      readonly kind: "media";
      readonly media: MediaKind;
      readonly file: MediaFile;
      readonly caption: string;
      readonly seconds?: number;
      readonly fileName?: string;
      readonly expiration?: number;
    }
  | {
      readonly kind: "reaction";
      readonly emoji: string;
      readonly target: { readonly id: string; readonly fromMe: boolean };
    }
  | { readonly kind: "delete"; readonly target: string };

/** WhatsApp's answer to one message. `lost`: no answer was seen (connection gone, timeout); it may have arrived. */
export type Ack =
  | { readonly kind: "acked" }
  | { readonly kind: "refused"; readonly error: number }
  | { readonly kind: "lost" }
  /** Not sent: `mayLeave` said no at the last moment. */
  | { readonly kind: "withheld" };

/** What the outbox sends over; the link implements it, and nothing but the outbox calls `send` (I3). */
export interface Wire {
  /** True while logged in and able to send. */
  readonly open: boolean;
  /** True once what waited at WhatsApp was heard: an order of the owner's may be among it. Messages to others than the owner wait for it. */
  readonly caughtUp: boolean;
  /** Calls `listener` when it is open, and again once it has caught up. */
  onOpen(listener: () => void): void;
  /**
   * Sends one message under the id given and waits for the answer. Never throws; bounded in time.
   * @param mayLeave asked once everything that the network has to be asked first is there, right before it leaves (I3)
   */
  send(jid: string, id: string, content: WireContent, mayLeave: () => boolean): Promise<Ack>;
  /** Sends a signal, at once or not at all. Never throws. */
  signal(jid: string, signal: Signal): Promise<void>;
}

/** What can be done about the link from outside; the link implements it. */
export interface LinkControl {
  /** The last thing worth showing to whoever is linking. */
  readonly event: LinkEvent;
  /**
   * Begins to link anew, by QR or by pairing code. The old session stays until the new link is real.
   * @param options.phone digits of the number to link by pairing code
   * @throws KafclawError `already-linked`
   */
  beginLinking(options?: { phone?: string; replace?: boolean }): Promise<void>;
  /** Ends an attempt to link, where one is under way: the session that was there, if any, connects again. */
  cancelLinking(): Promise<void>;
  /**
   * Unlinks this device at WhatsApp and forgets the session.
   * @returns what is left to do, in one sentence, where WhatsApp could not be told: the phone still lists the device
   */
  logout(): Promise<string | undefined>;
}
