import { MINUTE } from "../clock.js";
import type { Collection } from "../store/types.js";
import type { AuditRecord, Clock } from "./api.js";
import type { Random } from "./code.js";
import type { AccessDoc } from "./documents.js";

/** What can be set about access; every key has a default. */
export interface AccessSettings {
  /** Strangers enter the pending queue without a token, where none is configured. */
  readonly open: boolean;
  /** Days until a pending entry expires. */
  readonly expiryDays: number;
  /** Places in the pending queue. */
  readonly maxPending: number;
  /** Of these, the places that only an invite can take. */
  readonly keptForInvites: number;
}

/** The settings of DESIGN 4. */
export const DEFAULT_SETTINGS: AccessSettings = {
  open: false,
  expiryDays: 7,
  maxPending: 100,
  keptForInvites: 20,
};

/** What access is made of. Both collections are opened `durable`: what resolves has been fsynced. */
export interface AccessParts {
  readonly access: Collection<AccessDoc>;
  readonly audit: Collection<AuditRecord>;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings?: Partial<AccessSettings>;
  /** Where a write that has to be repeated is reported; a pino logger fits. */
  readonly log?: { warn(details: object, message: string): void };
}

/** How long a decision can be taken back; after that, what was done about it is forgotten. */
export const UNDO_WINDOW_MS = 10 * MINUTE;
