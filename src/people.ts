import {
  type Access,
  digitsOf,
  identityOf,
  isLive,
  isObeyed,
  type Person,
  type Pn,
  personOf,
  same,
} from "./access/index.js";

/** The lists of contacts, in the order in which it matters to know them: deny wins. */
const LISTS = ["denied", "approved", "pending"] as const;

/** Who somebody is to this gateway: what WhatsApp's side asks of the contact book, which knows no JIDs of devices or servers. */
export class People {
  constructor(
    private readonly access: Access,
    private readonly me: () => Person | undefined,
    private readonly clock: () => number,
  ) {}

  /** Whether a bare user, PN or LID, is us, the owner, or on record: what is kept of them has no stranger's bounds. */
  isKnown(user: string): boolean {
    if ([this.me(), this.access.owner()?.person].some((person) => hasUser(person, user))) return true;
    const addresses = [personOf(`${user}@s.whatsapp.net`), personOf(`${user}@lid`)];
    return addresses.some((person) => person !== undefined && this.access.find(person) !== undefined);
  }

  /** Whether the chat with somebody is the admin chat, as long as its owner is obeyed. */
  isAdmin(to: Person): boolean {
    const owner = this.access.owner();
    return isObeyed(owner) && same(owner.person, to);
  }

  /** Whether a JID is on no list. */
  isStranger(jid: string): boolean {
    const person = personOf(jid);
    const contact = person && this.access.find(person);
    return contact === undefined || contact.state === "stranger";
  }

  /** Whether a JID is the owner's, obeyed or not. */
  isOwner(jid: string): boolean {
    const person = personOf(jid);
    const owner = this.access.owner();
    return person !== undefined && owner !== undefined && same(owner.person, person);
  }

  /** A person with both addresses, where they are known by now: a device may answer under another than was written to. */
  whole(person: Person): Person {
    const contact = this.access.find(person);
    const owner = this.access.owner()?.person;
    return contact ? identityOf(contact) : owner && same(owner, person) ? owner : person;
  }

  /** The numbers of those who count, the owner's first, as far as nobody knows their LIDs. */
  numbersWithoutLid(): readonly Pn[] {
    const { access, clock } = this;
    const guests = access.invites().flatMap((invite) => (isLive(invite, clock()) ? (invite.for ?? []) : []));
    const people = [access.owner()?.person, ...LISTS.flatMap((state) => access.list(state)), ...guests];
    const numbers: Pn[] = [];
    for (const person of people) if (person?.pn !== undefined && person.lid === undefined) numbers.push(person.pn);
    return numbers;
  }
}

function hasUser({ pn, lid }: Person = {}, user: string): boolean {
  return [pn, lid].some((address) => address !== undefined && digitsOf(address) === user);
}
