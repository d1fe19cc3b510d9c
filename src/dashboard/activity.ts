import { DAY } from "../clock.js";
import type { ParcelState, Suppression } from "../whatsapp/types.js";

/** A message that came in, in short. */
export interface Seen {
  readonly id: string;
  readonly at: number;
  readonly verdict: string;
}

/** One message that came in. */
export interface Incoming {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** What the gate said: `buddy`, `owner`, `pending`, `entered`, `stranger`, `denied`, `group`, … */
  readonly verdict: string;
  /** A number, "number hidden", or "" once that is forgotten. */
  readonly who: string;
  readonly name: string;
  /** A few words on what it was; "" where nothing is kept. */
  readonly what: string;
}

/** One message that went out, or did not. */
export interface Outgoing {
  readonly at: number;
  readonly to: string;
  readonly name: string;
  readonly state: ParcelState;
  /** WhatsApp's error, where it was refused. */
  readonly error: number | undefined;
  /** Why it was suppressed, where it was. */
  readonly why: Suppression | undefined;
  /** Its text, kept for a day. */
  readonly what: string;
}

/** A message that went out or did not, before anybody wants to see it: putting it in words costs more than finding it. */
export interface Posted extends Pick<Outgoing, "state"> {
  inWords(): Outgoing;
}

/** How far back messages are shown: as long as their ids are kept. */
export const MESSAGES_KEPT_MS = 31 * DAY;

/** What can have become of a message that was to go out, in the order in which people look for it. */
export const PARCEL_STATES = ["waiting", "sent", "suppressed", "failed", "cancelled"] as const satisfies ParcelState[];

/** What came in and went out, as the dashboard shows it. */
export interface Activity {
  /** Messages since a time, newest first. */
  seen(since: number): readonly Seen[];
  /** The same with everything that is kept of them. */
  incoming(messages: readonly Seen[]): Promise<readonly Incoming[]>;
  /** What was posted, newest first. */
  outgoing(): readonly Posted[];
}

/** The verdicts in the groups that people think in, in the order of the picture, from the bottom up. */
export const VERDICT_GROUPS = [
  { id: "buddies", title: "buddies", verdicts: ["buddy"] },
  { id: "owner", title: "you", verdicts: ["owner", "owner-unconfirmed"] },
  { id: "pending", title: "pending", verdicts: ["pending", "entered", "auto-approved"] },
  { id: "strangers", title: "strangers", verdicts: ["stranger"] },
  { id: "denied", title: "denied", verdicts: ["denied"] },
  { id: "others", title: "groups and others", verdicts: undefined },
] as const;

export type VerdictGroup = (typeof VERDICT_GROUPS)[number]["id"];

/** The group of a verdict; what no other has falls to the last. */
export function groupOf(verdict: string): (typeof VERDICT_GROUPS)[number] {
  const found = VERDICT_GROUPS.find(({ verdicts }) => verdicts?.some((known) => known === verdict));
  return found ?? VERDICT_GROUPS[VERDICT_GROUPS.length - 1] ?? VERDICT_GROUPS[0];
}
