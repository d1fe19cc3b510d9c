import type { Address, Lid, Person, Pn } from "../access/identity.js";
import { parseJid, personFrom, personOf } from "../access/identity.js";
import type { Inbound, Me } from "./types.js";

/** Who wrote a message, and where, from the attributes of its stanza. */
interface Envelope {
  readonly chat: Inbound["chat"];
  readonly sender: Person;
  readonly fromMe: boolean;
}

type Attrs = Readonly<Record<string, string>>;

/**
 * Reads a stanza's addresses. In a direct chat with `fromMe` the chat is whom the message went to.
 * @param sentTo what a message from another device of our own says of whom it was sent to.
 * @returns undefined for what no person wrote, or what contradicts itself
 */
export function envelopeOf(attrs: Attrs, me: Me, sentTo?: string | null): Envelope | undefined {
  const from = parseJid(attrs.from ?? "");
  const { participant, recipient } = attrs;
  if (from.kind === "group" || from.kind === "broadcast" || from.kind === "status") {
    const sender = participant === undefined ? undefined : senderOf(participant, attrs, me);
    return sender && { chat: { kind: from.kind, jid: from.jid }, ...sender };
  }
  if (from.kind !== "pn" && from.kind !== "lid") return undefined;
  if (isMe(from, me)) return fromOurselves(attrs, me, recipient || sentTo || attrs.from || "", sentTo);
  // Only our own account's messages name a recipient.
  if (recipient) return undefined;
  const sender = senderOf(attrs.from ?? "", attrs, me);
  return sender && { chat: { kind: "person", person: sender.sender, address: addressOf(from) }, ...sender };
}

/** True for our own account's phone, the device that linked us. */
export function isOwnPhone(attrs: Attrs, me: Me): boolean {
  const from = parseJid(attrs.from ?? "");
  return (from.kind === "pn" || from.kind === "lid") && from.device === 0 && isMe(from, me);
}

/** Does a JID name the linked account? */
export function isMe(address: Address, me: Me): boolean {
  return address.kind === "pn" ? address.pn === me.pn : address.kind === "lid" && address.lid === me.lid;
}

function fromOurselves(attrs: Attrs, me: Me, to: string, sentTo: string | null | undefined): Envelope | undefined {
  const address = parseJid(to);
  // The stanza's word on the recipient is the server's, the other is our own device's: "to myself" needs both.
  if (sentTo && isMe(parseJid(sentTo), me) !== isMe(address, me)) return undefined;
  const self: Person = me.lid === undefined ? { pn: me.pn } : { pn: me.pn, lid: me.lid };
  if (address.kind !== "pn" && address.kind !== "lid") {
    return { chat: { kind: address.kind, jid: address.jid }, sender: self, fromMe: true };
  }
  const { recipient_pn, recipient_lid, peer_recipient_pn, peer_recipient_lid } = attrs;
  const other = personFrom(to, recipient_pn, recipient_lid, peer_recipient_pn, peer_recipient_lid);
  const person = isMe(address, me) ? self : other;
  return person && { chat: { kind: "person", person, address: addressOf(address) }, sender: self, fromMe: true };
}

/** The writer, with the other address where the stanza tells it. */
function senderOf(jid: string, attrs: Attrs, me: Me): { sender: Person; fromMe: boolean } | undefined {
  const address = parseJid(jid);
  if (isMe(address, me)) {
    return { sender: me.lid === undefined ? { pn: me.pn } : { pn: me.pn, lid: me.lid }, fromMe: true };
  }
  const { participant_pn, participant_lid, sender_pn, sender_lid } = attrs;
  // Nobody else has one of our own addresses, whatever a stanza says.
  const others = [participant_pn, participant_lid, sender_pn, sender_lid].filter(
    (other) => other !== undefined && !isMe(parseJid(other), me),
  );
  const sender = personOf(jid) && personFrom(jid, ...others);
  return sender && { sender, fromMe: false };
}

function addressOf(address: Extract<Address, { kind: "pn" | "lid" }>): Pn | Lid {
  return address.kind === "pn" ? address.pn : address.lid;
}
