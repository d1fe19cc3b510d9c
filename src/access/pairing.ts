import { DAY } from "../clock.js";
import { KafclawError } from "../errors.js";
import { present } from "../present.js";
import type { AuditRecord, Clock } from "./api.js";
import { type Random, randomText } from "./code.js";
import { type AccessDoc, logged, type TokenDoc } from "./documents.js";
import { GuessLimit } from "./guesses.js";
import { identityOf, type Person, type Pn, same } from "./identity.js";
import type { Ledger } from "./ledger.js";
import { checkToken, type LiveToken, liveToken, maskTokens, newToken, searchTokens, tokenId } from "./tokens.js";
import type { Actor, Contact, Invite, Via } from "./types.js";

/** Days that an invite lasts when none are named; one that lets in without asking is short-lived. */
const DAYS = 7;
const AUTO_DAYS = 1;
/** The most. */
export const INVITE_DAYS = 90;

/** Each live invite is compared with each word of a stranger's text, so their number is bounded. */
const MAX_INVITES = 100;

/** How long an invite that is used, expired or revoked stays on record (and masked). */
const KEPT = 30 * DAY;

/** What a text gives its sender. */
export type Key =
  | { readonly kind: "token"; readonly via: Via }
  | { readonly kind: "invite"; readonly invite: Invite; readonly via: Via }
  | { readonly kind: "none" };

type InviteDoc = Extract<AccessDoc, { kind: "invite" }>;

/** The shared pairing token and the invites: kept, found in texts, and masked in what is shown. */
export class Pairing {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #guesses = new GuessLimit();
  readonly #invites = new Map<string, InviteDoc>();
  /** Tokens prepared for comparison, by the token. */
  readonly #prepared = new Map<string, LiveToken>();
  #token: TokenDoc | undefined;

  constructor(ledger: Ledger, clock: Clock, random: Random) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#random = random;
  }

  /** Reads the documents, and marks an invite used where a crash came between its use and the mark. */
  load(docs: readonly AccessDoc[]): void {
    const used = new Map<string, { by: string; at: number }>();
    for (const contact of this.#ledger.book.all()) {
      for (const { via, at } of contact.history) {
        if (via?.kind === "invite") used.set(via.inviteId, { by: contact._id, at });
      }
    }
    for (const doc of docs) {
      if (doc.kind === "token") this.#setToken(doc);
      if (doc.kind !== "invite") continue;
      const use = used.get(doc._id);
      const invite = use === undefined || doc.invite.used !== undefined ? doc.invite : { ...doc.invite, used: use };
      this.#remember({ ...doc, invite });
    }
  }

  token(): TokenDoc | undefined {
    return this.#token;
  }

  /**
   * Looks for the token or an invite in a stranger's or pending sender's text, and counts wrong guesses.
   * @param auto whether only an `--auto` invite is of use to the sender, who is pending already
   */
  search(person: Person, text: string, auto: boolean): Key {
    const now = this.#clock();
    if (this.#guesses.ignored(person, now)) return { kind: "none" };
    const invites = this.#live();
    const keys = [...(this.#token === undefined ? [] : [this.#token]), ...invites];
    const found = searchTokens(
      text,
      keys.map((key) => this.#prepare(key.token)),
    );
    if (this.#guesses.count(person, found.wrong, now)) return { kind: "none" };

    const held = found.tokens.flatMap((index) => keys[index] ?? []);
    const usable = held.flatMap((key) => ("label" in key && fits(key, person) && (key.auto || !auto) ? [key] : []));
    const invite = usable.find((candidate) => candidate.auto) ?? usable[0];
    if (invite !== undefined) {
      this.#guesses.forgive(person);
      return { kind: "invite", invite, via: { kind: "invite", inviteId: invite._id, label: invite.label } };
    }
    const token = held.find((key) => !("label" in key));
    if (token === undefined || auto) return { kind: "none" };
    this.#guesses.forgive(person);
    return { kind: "token", via: { kind: "token", tokenId: tokenId(token.token) } };
  }

  /** An invite as used up by a contact, to be written together with that contact; {@link accept} makes it known. */
  use(invite: Invite, contact: Contact): readonly AccessDoc[] {
    const doc = this.#invites.get(invite._id);
    if (doc === undefined) return [];
    return [{ ...doc, invite: { ...invite, used: { by: contact._id, at: this.#clock() } } }];
  }

  accept(docs: readonly AccessDoc[]): void {
    for (const doc of docs) if (doc.kind === "invite") this.#remember(doc);
  }

  /** @throws KafclawError `bad-token` */
  async setToken(text: string, by: Actor, action: "token-set" | "token-rotate"): Promise<void> {
    const token = checkToken(text);
    if (this.#token?.token === token) return;
    const record = this.#ledger.record(action, by, `token ${tokenId(token)}`);
    const doc: TokenDoc = {
      _id: "token",
      kind: "token",
      token,
      since: record.at,
      log: logged(this.#token?.log, record),
    };
    await this.#ledger.put(doc);
    this.#setToken(doc);
    await this.#ledger.trail.append(record);
  }

  /** Makes a new token, unless the same message asked for it before. */
  async rotate(by: Actor): Promise<string> {
    const last = this.#token?.log.at(-1);
    const isAgain = by.cause !== undefined && last?.action === "token-rotate" && last.by.cause === by.cause;
    if (!isAgain) await this.setToken(newToken(this.#random), by, "token-rotate");
    return this.#token?.token ?? "";
  }

  /** @throws KafclawError `bad-label`, `bad-days`, `too-many-invites` */
  async invite(input: { label: string; days?: number; auto?: boolean; for?: Person }, by: Actor): Promise<Invite> {
    const { label, auto = false, days = auto ? AUTO_DAYS : DAYS } = input;
    const again = by.cause === undefined ? undefined : this.invites().find((invite) => invite.by.cause === by.cause);
    if (again !== undefined && again.label === label) return again;
    if (label.trim() === "") {
      throw new KafclawError("bad-label", "An invite is for somebody; say for whom, e.g. invite Alice.", "usage");
    }
    if (!(days > 0 && days <= INVITE_DAYS)) {
      throw new KafclawError(
        "bad-days",
        `An invite lasts more than 0 and at most ${INVITE_DAYS} days; say how many.`,
        "usage",
      );
    }
    if (this.#live().length >= MAX_INVITES) {
      const message = `There are ${MAX_INVITES} open invites, which is the most; revoke one or wait until one expires.`;
      throw new KafclawError("too-many-invites", message);
    }
    const created = this.#clock();
    const invite: Invite = {
      _id: this.#newInviteId(),
      label,
      token: newToken(this.#random),
      created,
      expires: created + days * DAY,
      auto,
      ...present({ for: input.for && identityOf(input.for) }),
      by,
    };
    const note = `${invite._id} for ${label}${auto ? ", lets in at once" : ""}`;
    const record = this.#ledger.record("invite", by, note);
    const doc = this.#docOf(invite, record);
    await this.#ledger.put(doc);
    this.#remember(doc);
    await this.#ledger.trail.append(record);
    return invite;
  }

  byId(inviteId: string): Invite | undefined {
    return this.#invites.get(inviteId)?.invite;
  }

  invites(): readonly Invite[] {
    return [...this.#invites.values()].map((doc) => doc.invite).sort((a, b) => b.created - a.created);
  }

  /** @throws KafclawError `unknown-invite`, `invite-used` */
  async revoke(id: string, by: Actor): Promise<Invite> {
    const doc = this.#invites.get(id.trim().toUpperCase());
    if (doc === undefined)
      throw new KafclawError("unknown-invite", `There is no invite ${id}; look at the list of invites.`);
    const { invite } = doc;
    if (invite.revoked !== undefined) return invite;
    if (invite.used !== undefined) {
      const user = this.#ledger.book.byId(invite.used.by);
      const next = user === undefined ? "" : `; deny or remove ${user.code} instead`;
      throw new KafclawError("invite-used", `The invite for ${invite.label} was used already${next}.`);
    }
    const revoked = this.#revoked(invite, by);
    await this.#ledger.put(revoked);
    await this.acceptWritten([revoked]);
    return revoked.invite;
  }

  /** Binds open invites to the person whose number it is, as WhatsApp says, where they are bound to the number as typed. */
  async respell(typed: Pn, person: Person, by: Actor): Promise<void> {
    const bound = this.#live().filter((invite) => invite.for?.pn === typed && invite.for.lid === undefined);
    if (bound.length === 0) return;
    const docs = bound.map((invite) => {
      const record = this.#ledger.record("invite-number", by, `${invite._id} for ${invite.label}, number was ${typed}`);
      return this.#docOf({ ...invite, for: identityOf(person) }, record);
    });
    await this.#ledger.put(...docs);
    await this.acceptWritten(docs);
  }

  /** Every open invite as void, to be written with the owner who is somebody else now; then {@link acceptWritten} them. */
  voided(by: Actor): readonly InviteDoc[] {
    return this.#live().map((invite) => this.#revoked(invite, by));
  }

  /** Makes invites known as they are written now, and adds to the audit what was done to them. */
  async acceptWritten(docs: readonly InviteDoc[]): Promise<void> {
    this.accept(docs);
    for (const { log } of docs) for (const record of log.slice(-1)) await this.#ledger.trail.append(record);
  }

  /** Forgets invites that have been over for a month. */
  async tidy(): Promise<void> {
    const now = this.#clock();
    const over = this.invites().filter(({ revoked, used, expires }) => (revoked ?? used?.at ?? expires) < now - KEPT);
    await this.#ledger.drop(over.map((invite) => invite._id));
    for (const invite of over) {
      this.#invites.delete(invite._id);
      this.#prepared.delete(invite.token);
    }
  }

  /** Replaces tokens by `•••`, those of invites that are over included. */
  mask(text: string): string {
    const tokens = [
      ...(this.#token === undefined ? [] : [this.#token.token]),
      ...this.invites().map(({ token }) => token),
    ];
    return maskTokens(
      text,
      tokens.map((token) => this.#prepare(token)),
    );
  }

  #live(): readonly Invite[] {
    const now = this.#clock();
    return this.invites().filter((invite) => isLive(invite, now));
  }

  #revoked(invite: Invite, by: Actor): InviteDoc {
    const record = this.#ledger.record("invite-revoke", by, `${invite._id} for ${invite.label}`);
    return this.#docOf({ ...invite, revoked: this.#clock() }, record);
  }

  #docOf(invite: Invite, record: AuditRecord): InviteDoc {
    return { _id: invite._id, kind: "invite", invite, log: logged(this.#invites.get(invite._id)?.log, record) };
  }

  #remember(doc: InviteDoc): void {
    this.#invites.set(doc._id, doc);
  }

  #setToken(doc: TokenDoc): void {
    this.#prepared.clear();
    this.#token = doc;
  }

  #prepare(token: string): LiveToken {
    const known = this.#prepared.get(token) ?? liveToken(token);
    this.#prepared.set(token, known);
    return known;
  }

  /** Short enough to type, longer than a contact's code, so that nobody takes one for the other. */
  #newInviteId(): string {
    for (;;) {
      const id = `I${randomText(this.#random, 5)}`;
      if (!this.#invites.has(id)) return id;
    }
  }
}

/** Whether an invite can still be used. */
export function isLive(invite: Invite, now: number): boolean {
  return invite.used === undefined && invite.revoked === undefined && invite.expires > now;
}

/** A bound invite is for its person only; where the sender's number is hidden, we can't know and don't let in. */
function fits(invite: Invite, person: Person): boolean {
  return invite.for === undefined || same(invite.for, person);
}
