/** The words of notices. Pure. */
import { formatNumber, type Pn } from "../access/identity.js";
import type { Learned } from "../access/index.js";
import type { Contact, Invite } from "../access/types.js";
import { bold, type Message, own, quote, resembles, say } from "../text.js";
import type { LinkState, Suppression } from "../whatsapp/types.js";
import { count, formatTime, label, labels, nameAndCode, nameAndNumber, stack, stateName, viaOf } from "./words.js";

/** The time in which a notice is read. */
export interface When {
  readonly now: number;
  readonly timezone: string;
}

/** The notice of a pending sender, in the design's form. `text` has its tokens masked. */
export function newSender(contact: Contact, text: string, warning: Message | undefined, when: When): Message {
  const words = text.replaceAll("•••", "").trim() === "" ? "" : text;
  return stack([
    say`🔔 ${bold`New sender`} ${own(contact.code)}`,
    nameAndNumber(contact),
    say`${viaOf(contact)}, ${own(formatTime(contact.since, when.now, when.timezone))}`,
    words === "" ? undefined : quote(words),
    warning,
    own(`👍 or /approve ${contact.code} · 👎 or /deny ${contact.code}`),
  ]);
}

/** New senders listed in one notice at most; the rest are named by /pending. */
export const DIGEST_LENGTH = 20;

/** Many new senders in one notice. Answers to it decide nothing. */
export function digest(
  contacts: readonly Contact[],
  warnings: ReadonlyMap<string, Message>,
  news: readonly Message[],
): Message {
  const listed = contacts.slice(0, DIGEST_LENGTH);
  const rest = contacts.length - listed.length;
  const [first] = listed;
  const senders =
    first === undefined
      ? []
      : [
          say`🔔 ${bold(own(count(contacts.length, "new sender")))}`,
          ...listed.flatMap((contact) => [
            say`• ${own(contact.code)} · ${nameAndNumber(contact)} · ${viaOf(contact)}`,
            warnings.get(contact._id),
          ]),
          rest > 0 && own(`and ${rest} more: /pending`),
          own(`/approve ${first.code} · /deny ${first.code} · /pending · /approve all`),
        ];
  return stack([
    ...senders,
    ...news.flatMap((message, index) => (index + senders.length > 0 ? [own(""), message] : [message])),
  ]);
}

/** A warning where somebody could be taken for the owner or a buddy by name. */
export function likeness(
  contact: Contact,
  ownerName: string | undefined,
  buddies: readonly Contact[],
): Message | undefined {
  if (contact.name === "") return undefined;
  if (ownerName !== undefined && resembles(contact.name, ownerName)) {
    return own("⚠️ The name resembles yours. Anyone can choose any name.");
  }
  const buddy = buddies.find((other) => other._id !== contact._id && resembles(contact.name, other.name));
  return buddy && say`⚠️ The name resembles your buddy ${label(buddy)}, who is somebody else.`;
}

/** An `--auto` invite let somebody in. */
export function autoApproved(contact: Contact, invite: Invite, warning: Message | undefined): Message {
  return stack([
    say`✅ ${bold`Approved by invite`} ${own(contact.code)}`,
    nameAndNumber(contact),
    say`used the --auto invite for ${invite.label}`,
    warning,
    own(`👎 or /undo within 10 minutes takes it back; /remove ${contact.code} always does`),
  ]);
}

export function ownerConfirmed(): Message {
  return own("✅ This is the admin chat now. /help lists the commands, /status says how it goes.");
}

export function queueFull(): Message {
  return own(
    "⚠️ The pending queue is full, so the next senders are not queued. Perhaps the pairing token leaked: /token rotate makes a new one, /pending shows who waits.",
  );
}

/** Something about a person's addresses changed; nothing to say about most. */
export function learned(news: Learned): Message | undefined {
  switch (news.kind) {
    case "new-person": {
      const { old, was, suspended } = news;
      // Nobody had decided about them, and nobody waits.
      if (was === "stranger") return undefined;
      const effect =
        was === "denied"
          ? "The denial stays on both."
          : `${was === "approved" ? "The approval" : "The pending entry"} is suspended: it does not pass to whoever has the number now.`;
      const shutOut =
        suspended && say` That shuts out ${labels(suspended)}: /remove ${own(old.code)} takes it off the denylist.`;
      return say`⚠️ The number of ${label(old)}, ${own(was)}, belongs to another WhatsApp account now. ${own(effect)}${shutOut ?? own("")}`;
    }
    case "merged":
      return nowOne(news) ?? (news.before && newNumber(news.contact, news.before));
    case "new-number":
      return newNumber(news.contact, news.before);
    case "owner-locked":
    case "same":
      return undefined;
  }
}

/** Two records that turned out to be one person, where that lets somebody in, or shuts out who was let in or waited. */
function nowOne({ contact, gone, was }: Extract<Learned, { kind: "merged" }>): Message | undefined {
  const { code, state } = contact;
  const isShutOut = state === "denied" && (was === "approved" || was === "pending");
  const isLetIn = state === "approved" && was !== "approved";
  if (!isShutOut && !isLetIn) return undefined;
  const effect = isLetIn
    ? `The approval holds for both: /deny ${code} shuts them out.`
    : `The denial holds, and ${was === "approved" ? "the approval is void" : "they wait no more"}: /remove ${code} takes them off the denylist.`;
  return say`⚠️ ${own(gone)}, ${own(stateName(was))}, turned out to be ${label(contact)}, who is ${own(state)}. ${own(effect)}`;
}

function newNumber(contact: Contact, before: Pn): Message {
  return say`ℹ️ ${nameAndCode(contact)} has a new number: ${own(formatNumber(contact))}, before ${own(formatNumber({ pn: before }))}. They stay ${own(stateName(contact.state))}.`;
}

export function expiring(contacts: readonly Contact[]): Message {
  const [first] = contacts;
  if (contacts.length !== 1 || first === undefined) {
    return say`⏳ ${labels(contacts, DIGEST_LENGTH)} expire within a day: /pending shows them.`;
  }
  return say`⏳ ${label(first)} is still pending and expires within a day: /approve ${own(first.code)} or /deny ${own(first.code)}.`;
}

export function expired(contacts: readonly Contact[]): Message {
  const verb = contacts.length === 1 ? "is" : "are";
  return say`⌛ ${labels(contacts, DIGEST_LENGTH)} waited too long and ${own(verb)} pending no more. With the token they can come again.`;
}

/** The link needs the owner. */
export function link(state: LinkState): Message {
  return own(`🚨 ${state.sentence}${state.remedy === "" ? "" : ` ${state.remedy}`}`);
}

/** The phone gave no sign for long. Idle phones give few, so this says what is known and no more. */
export function phoneAway(days: number): Message {
  return own(
    `🚨 For ${days} days I have seen no sign of the phone whose WhatsApp this is. After about 14 days without it, WhatsApp unlinks me: open WhatsApp on it once, with internet.`,
  );
}

export function stuck(reason: string): Message {
  return say`🚨 A message could not be handled and was put aside: ${reason}`;
}

/**
 * Why something did not go out: WhatsApp lets the account start no chats, or not even answer, refused or lost it, or it was
 * suppressed.
 */
export type NotSent = "restricted" | "answer restricted" | "failed" | Suppression;

/**
 * Something that the bot, or the owner through it, sent to somebody did not go out.
 * @param error what WhatsApp refused it with
 */
export function notSent(contact: Contact | undefined, reason: NotSent, error?: number): Message {
  const whom = contact === undefined ? own("somebody") : label(contact);
  if (reason === "silent") {
    return say`⚠️ Silent mode came on before your reply to ${whom} had surely gone out. If it is not in the chat on the bot's phone, send it again.`;
  }
  if (reason === "no-buddy") {
    return say`⚠️ ${whom} was no buddy any more before your reply had surely gone out. It is not tried again.`;
  }
  if (reason === "restricted") {
    return say`🚨 WhatsApp lets this account start no new chats for now (error 463), so ${whom} got nothing. It works once they write to the bot; don't retry.`;
  }
  if (reason === "answer restricted") {
    return say`🚨 WhatsApp lets this account send little for now (error 463), and ${whom} got no answer. It is not tried again; what they write next can be answered.`;
  }
  const why = error === undefined ? "could not be sent" : `was refused by WhatsApp (error ${error})`;
  return say`⚠️ A message to ${whom} ${own(why)}. It is not tried again; write to them from the bot's phone if it matters.`;
}

/** Why an answer to a notice changed nothing: the name, and what happened to it since. */
export function noLonger(contact: Contact, what: Message): Message {
  const next =
    contact.state === "pending"
      ? say`They are pending again: /approve ${own(contact.code)} or /deny ${own(contact.code)}.`
      : contact.state === "stranger"
        ? say`/approve ${own(contact.code)} lets them in.`
        : say`/remove ${own(contact.code)} makes them a stranger again.`;
  return say`Nothing changed: ${nameAndCode(contact)} ${what}. ${next}`;
}
