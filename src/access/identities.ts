import { DAY } from "../clock.js";
import { present } from "../present.js";
import type { Learned } from "./api.js";
import { identityOf, type Person, type Pn } from "./identity.js";
import { bounded, mergeOf, type Plan, plan, planRespelled } from "./learning.js";
import { type Ledger, without } from "./ledger.js";
import type { Actor, Code, Contact, Decision } from "./types.js";

/** How long a message that taught us something is remembered, so that a crash can't keep the news from the owner. */
const REMEMBERED = 7 * DAY;

/** The audit's note on a contact with a new number, before the old one. */
const NUMBER_WAS = "number was ";

/** What was learned, by the decision that it led to. */
type News = { readonly contact: string; readonly decision: Decision };

/**
 * Keeps contacts and WhatsApp's two addresses together: fills in the other address, merges two records of one person,
 * and notices when a number has passed to someone else (DESIGN 3).
 */
export class Identities {
  readonly #ledger: Ledger;
  readonly #news = new Map<string, News>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    for (const contact of ledger.book.all()) for (const decision of contact.history) this.#remember(contact, decision);
  }

  /** What is to be done about a person's records; nothing, nearly always. */
  plan(person: Person): Plan {
    const { pn, lid } = person;
    if (pn === undefined || lid === undefined) return { kind: "nothing" };
    const { book } = this.#ledger;
    return plan(pn, lid, { byPn: book.byAddress(pn), byLid: book.byAddress(lid), matches: book.matches(person) });
  }

  /** What this message taught us when it came before. */
  news(cause: string | undefined): Learned | undefined {
    const news = this.#news.get(cause ?? "");
    const contact = this.#ledger.book.byId(news?.contact ?? "");
    if (news === undefined || contact === undefined) return undefined;
    const { action, from, note = "" } = news.decision;
    // Such notes are written by `#number` and `#merge` below.
    const before = note.split(NUMBER_WAS)[1] as Pn | undefined;
    if (action === "merge") {
      const gone = note.slice(0, note.indexOf(" ")) as Code;
      return { kind: "merged", contact, gone, was: from, ...present({ before }) };
    }
    if (action === "identity" && before !== undefined) return { kind: "new-number", contact, before };
    return { kind: "new-person", old: contact, was: from };
  }

  /** Does what {@link plan} found. */
  async follow(found: Plan, person: Person, cause: string | undefined): Promise<Learned> {
    const by: Actor = { door: "gateway", who: "WhatsApp", ...present({ cause }) };
    switch (found.kind) {
      case "nothing":
        return { kind: "same" };
      case "fill": {
        const contact = { ...found.contact, ...identityOf(found.person) };
        await this.#ledger.save(contact);
        return { kind: "same", contact };
      }
      case "merge":
        return this.#merge(found, by);
      case "new-person":
        return this.#newPerson(found.old, found.writer, person, by);
      case "new-number":
        return {
          kind: "new-number",
          contact: await this.#number(found.contact, found.before, person, by),
          before: found.before,
        };
      case "cover":
        return this.#cover(found, by);
    }
  }

  /**
   * Moves a contact who is known by a typed number alone to the person whose number it is, as WhatsApp says. Their state
   * stays, and nobody has a new number: nothing of it is news.
   */
  async respell(typed: Pn, person: Person, by: Actor): Promise<Learned> {
    const { book } = this.#ledger;
    const contact = book.byAddress(typed);
    if (contact === undefined || contact.lid !== undefined) return { kind: "same" };
    const known = [book.byAddress(person.pn), book.byAddress(person.lid)].filter((other) => other !== undefined);
    const found = planRespelled(contact, typed, person, new Set(known));
    if (found.kind === "merge") return this.#merge(found, by);
    if (found.kind === "new-number") await this.#number(contact, typed, person, by);
    return { kind: "same" };
  }

  async #merge({ winner, loser, addresses }: Extract<Plan, { kind: "merge" }>, by: Actor): Promise<Learned> {
    const known = [winner, loser].find(({ lid }) => lid !== undefined && lid === addresses.lid)?.pn;
    const before = known === addresses.pn ? undefined : known;
    const note = `${loser.code} (${loser.state}) is the same person${before === undefined ? "" : `, ${NUMBER_WAS}${before}`}`;
    const decision = this.#ledger.draft(loser, { action: "merge", to: winner.state, by, note });
    const contact = await this.#ledger.merge(mergeOf(winner, loser, addresses), loser, decision);
    this.#remember(contact, decision);
    return { kind: "merged", contact, gone: loser.code, was: loser.state, ...present({ before }) };
  }

  async #newPerson(old: Contact, writer: Contact | undefined, person: Person, by: Actor): Promise<Learned> {
    const was = old.state;
    const contact = await this.#suspend(old, by, "the number now belongs to another account", person.pn);
    // The writer's own record follows second: after a crash in between, their next message brings the number again.
    if (writer?.pn !== undefined) await this.#number(writer, writer.pn, person, by);
    else if (writer !== undefined) await this.#ledger.save({ ...writer, ...identityOf(person) });
    return { kind: "new-person", old: contact, was };
  }

  /** A known LID with a new number: the same person, whose state stays. A denial stays on the old number too. */
  async #number(contact: Contact, before: Pn, person: Person, by: Actor): Promise<Contact> {
    const former = contact.state === "denied" ? [before] : [];
    const also = bounded([...(contact.also ?? []), ...former], person);
    const note = `${NUMBER_WAS}${before}`;
    const decided = await this.#ledger.decide(
      contact,
      { action: "identity", to: contact.state, by, note },
      (known): Contact => ({
        ...without(known, "also"),
        ...identityOf(person),
        ...(also.length === 0 ? {} : { also }),
      }),
    );
    this.#remember(decided.contact, decided.decision);
    return decided.contact;
  }

  async #cover({ denied, addresses, suspended }: Extract<Plan, { kind: "cover" }>, by: Actor): Promise<Learned> {
    let contact = denied;
    if (addresses.length > 0) {
      const also = bounded([...(denied.also ?? []), ...addresses], denied);
      const note = `the denial now covers ${addresses.join(" and ")}`;
      const decided = await this.#ledger.decide(denied, { action: "identity", to: "denied", by, note }, (known) => ({
        ...known,
        also,
      }));
      contact = decided.contact;
      this.#remember(contact, decided.decision);
    }
    for (const other of suspended)
      await this.#suspend(other, by, `shares an address with ${denied.code}, who is denied`);
    return { kind: "new-person", old: contact, was: "denied", ...(suspended.length === 0 ? {} : { suspended }) };
  }

  /** Takes back what a contact was allowed, and the number that is no longer theirs. */
  async #suspend(old: Contact, by: Actor, note: string, lost?: Pn): Promise<Contact> {
    const { contact, decision } = await this.#ledger.decide(
      old,
      { action: "suspend", by, note: lost === undefined ? note : `${note}: ${lost}` },
      (known, { at }): Contact => {
        const { pn, chat, ...rest } = without(known, "before", "via", "reminded", "blocked", "also");
        return {
          ...rest,
          ...present({ pn: pn === lost ? undefined : pn, chat: chat === lost ? undefined : chat }),
          held: [],
          since: at,
        };
      },
    );
    this.#remember(contact, decision);
    return contact;
  }

  #remember(contact: Contact, decision: Decision): void {
    const { action, at, by } = decision;
    const isNews = action === "suspend" || action === "identity" || action === "merge";
    if (!isNews || by.cause === undefined || at < this.#ledger.now() - REMEMBERED) return;
    // Whoever lost a number is the news, and not who has it now.
    if (action === "suspend" || !this.#news.has(by.cause)) this.#news.set(by.cause, { contact: contact._id, decision });
  }
}
