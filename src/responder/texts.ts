/** The words of the responder to owner and buddies. Pure. */
import type { Contact } from "../access/types.js";
import { bold, chunks, lines, type Message, own, say } from "../text.js";
import type { NotKept } from "./media.js";

/** What a buddy is told when the model is down. */
export const SORRY = "Sorry, I can't answer right now. I'll answer as soon as I can.";
/** What a buddy is told when just this question could not be answered. */
export const NO_ANSWER = "Sorry, I have no answer to that.";

/**
 * Lines of relayed messages are no longer than this, so that a text of several messages is always cut between two lines:
 * each begins with the mark that says that these are not our words.
 */
const RELAYED_LINE = 800;

/** A buddy's messages in the admin chat, whole; a quoted reply to it goes back. */
export function relayed(contact: Contact, messages: readonly string[]): Message {
  const name = contact.name === "" ? own("no name") : say`${contact.name}`;
  const quoted = messages.flatMap((text) => chunks(text, RELAYED_LINE)).join("\n");
  return lines(say`💬 ${bold(name)} (${own(contact.code)})`, { parts: [{ kind: "quote", text: quoted }] });
}

/** A buddy's file that is not in the workspace, and what can be done about it. */
export function fileNotKept(contact: Contact, why: NotKept, limit: number): Message {
  const who = say`${contact.name || "no name"} (${own(contact.code)})`;
  const what = say`A file from ${who} was not kept:`;
  switch (why) {
    case "too-large":
      return say`${what} it is larger than ${own(limit)} MB (responder.mediaLimit).`;
    case "gone":
    case "no-file":
      return say`${what} WhatsApp has it no more. Ask them to send it again.`;
    case "unreachable":
      return say`${what} it could not be fetched from WhatsApp. Ask them to send it again.`;
    case "damaged":
      return say`${what} it can't be decrypted. Ask them to send it again.`;
    case "no-room":
      return say`${what} there is no room on the disk. Free some space, then ask them to send it again.`;
    case "unwritable":
      return say`${what} it can't be written to workspace/media/. Check the disk and that folder's rights, then ask them to send it again.`;
  }
}

export function modelDown(sentence: string): Message {
  return say`⚠️ The model does not answer. ${own(sentence)} What buddies write waits, and is answered when it is back.`;
}

/** Messages that nobody will answer: they waited too long, or too many came. @param contact absent for the owner's own */
export function unanswered(contact: Contact | undefined, why: "old" | "week" | "many", messages: number): Message {
  const buddy = contact && say`${contact.name || "no name"} (${own(contact.code)})`;
  const place = own(buddy ? " It is all in the chat on the bot's phone." : "");
  if (why === "many") {
    return say`⚠️ ${buddy ?? own("You")} wrote more than can wait for an answer: the oldest of it is not answered.${place}`;
  }
  const what = messages === 1 ? "A message" : `${messages} messages`;
  const how = own(why === "week" ? "for more than a week" : "for the model for more than a day");
  return say`⚠️ ${own(what)} of ${buddy ?? own("yours")} waited ${how}, and ${own(messages === 1 ? "is" : "are")} not answered any more.${place}`;
}

export function modelBack(): Message {
  return own("✅ The model answers again.");
}

export function refusedOnce(contact: Contact | undefined, sentence: string): Message {
  const who = contact === undefined ? own("you") : say`${contact.name || "no name"} (${own(contact.code)})`;
  return say`⚠️ A message from ${who} could not be answered. ${own(sentence)}`;
}

export function limitReached(contact: Contact, limit: number): Message {
  const who = say`${contact.name || "no name"} (${own(contact.code)})`;
  return say`${who} has had ${own(limit === 1 ? "1 answer" : `${limit} answers`)} today, which is the limit (responder.dailyLimit): what they write is not answered until tomorrow.`;
}

export function soulTrouble(sentence: string): Message {
  return say`⚠️ ${own(sentence)} Until then the last good one counts, or a plain one.`;
}

/** Why a quoted reply went to nobody. */
export function notRelayed(contact: Contact | undefined, why: "gone" | "silent" | "empty" | "old"): Message {
  const who = contact === undefined ? own("They") : say`${contact.name || "no name"} (${own(contact.code)})`;
  switch (why) {
    case "gone":
      return say`${who} is no buddy any more, so nothing was sent.`;
    case "silent":
      return say`Silent mode is on, so nothing was sent to ${who}: /silent off, then send it again.`;
    case "empty":
      return say`Only text and files go back to ${who}, so nothing was sent.`;
    case "old":
      return say`That reply reached me more than 15 minutes late, so nothing was sent to ${who}. Send it again if you still mean it.`;
  }
}

/**
 * The owner's reply was passed on, and then edited or deleted.
 * @param isLost it never went out
 */
export function notChanged(contact: Contact | undefined, change: "edit" | "revoke", isLost: boolean): Message {
  const who = contact === undefined ? own("them") : say`${contact.name || "no name"} (${own(contact.code)})`;
  const what = own(change === "edit" ? "An edit" : "A deletion");
  const reply = own(isLost ? "never reached them" : "stays as you first wrote it");
  return say`${what} goes to nobody: your reply to ${who} ${reply}. Quote their message again to send new words.`;
}
