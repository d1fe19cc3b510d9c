import { identityOf, type Person } from "../access/identity.js";
import { type Access, isObeyed } from "../access/index.js";
import type { Contact } from "../access/types.js";
import { OWNER, type Who } from "./book.js";

/** Who is on the other side of a conversation, as of now. */
export interface Partner {
  /** Absent for the owner. */
  readonly contact?: Contact;
  readonly to: Person;
  /** Cleaned; "" for the owner, and where it is unknown. */
  readonly name: string;
}

/** Whom a conversation is with; nobody where they are no buddy any more, or the owner is not obeyed now. */
export function partnerOf(access: Access, who: Who): Partner | undefined {
  if (who === OWNER) {
    const owner = obeyedOwner(access);
    return owner && { to: owner, name: "" };
  }
  const contact = access.byId(who);
  if (contact?.state !== "approved") return undefined;
  return { contact, to: identityOf(contact), name: contact.name };
}

/** The owner, where they are obeyed now, and so told things. */
export function obeyedOwner(access: Access): Person | undefined {
  const owner = access.owner();
  return isObeyed(owner) ? owner.person : undefined;
}

/** The ids under which one contact's messages may be kept: its own, and those of records merged into it. */
export function idsOf(access: Access, contactId: string): readonly Who[] {
  return [contactId, ...(access.byId(contactId)?.merged ?? [])];
}
