import type { proto } from "@whiskeysockets/baileys";
import { firstWords } from "../text.js";

type Message = proto.IMessage;

/** The versions of a poll that hold it themselves; the fourth one wraps it. */
export const POLLS = [
  "pollCreationMessage",
  "pollCreationMessageV2",
  "pollCreationMessageV3",
  "pollCreationMessageV5",
] as const satisfies readonly (keyof Message)[];

const LONGEST_CARD = 1_000;
/** Phones let twelve be chosen at once. */
const MOST_OPTIONS = 12;
const MOST_CONTACTS = 12;
/** The last second that a JavaScript date can name. */
const LAST_SECOND = 8_640_000_000_000;

/**
 * What a location, a contact, a poll or an event says, in one line as its sender's phone shows it; empty where it says
 * nothing. Takes any decoded protobuf. A contact's numbers are in its vCard (RFC 6350, section 6.4.1).
 */
export function cardIn(message: Message): string {
  const { locationMessage, liveLocationMessage, contactMessage, contactsArrayMessage, eventMessage } = message;
  const location = locationMessage ?? liveLocationMessage;
  const contacts = contactMessage ? [contactMessage] : contactsArrayMessage?.contacts;
  const poll = POLLS.map((version) => message[version]).find((held) => held != null);
  const parts = [
    ...(location ? placeIn(location) : []),
    ...(contacts ?? []).slice(0, MOST_CONTACTS).map(contactIn),
    ...(poll ? [poll.name, ...(poll.options ?? []).slice(0, MOST_OPTIONS).map(({ optionName }) => optionName)] : []),
    ...(eventMessage ? eventIn(eventMessage) : []),
  ];
  return firstWords(joined(parts, " · "), LONGEST_CARD);
}

function placeIn(location: proto.Message.ILocationMessage & proto.Message.ILiveLocationMessage): readonly string[] {
  const { name, address, caption, comment, degreesLatitude, degreesLongitude } = location;
  const degrees = [degreesLatitude, degreesLongitude].filter((value) => Number.isFinite(value));
  return [name, address, caption, comment, degrees.join(", ")].map((text) => text ?? "");
}

function contactIn({ displayName, vcard }: proto.Message.IContactMessage): string {
  const numbers = [...(vcard ?? "").matchAll(/^(?:[\w-]+\.)?TEL\b[^:\r\n]*:([^\r\n]*)/gim)].map(([, number]) => number);
  return joined([displayName, ...numbers], " ");
}

function eventIn({ name, startTime, location, description }: proto.Message.IEventMessage): readonly string[] {
  const seconds = Number(startTime ?? 0);
  const isTime = seconds > 0 && seconds <= LAST_SECOND;
  const start = isTime ? `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC` : "";
  return [name ?? "", start, ...(location ? placeIn(location) : []), description ?? ""];
}

function joined(parts: readonly (string | null | undefined)[], between: string): string {
  return parts.filter((part) => part).join(between);
}
