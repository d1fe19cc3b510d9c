import { jidDecode } from "@whiskeysockets/baileys";
import { Account, type Companion } from "./account.js";
import type { Quiet } from "./quiet.js";

/** Sessions hang on serials in LID form; starting high keeps them apart from the LIDs that people have. */
const FIRST_SERIAL = 900_000_000_000_000;

/** Who has which address, and which companion has which Noise key. */
export class Directory {
  readonly #byPn = new Map<string, Account>();
  readonly #byLid = new Map<string, Account>();
  readonly #byNoiseKey = new Map<string, Companion>();
  readonly #dialled = new Map<string, Account>();
  readonly #quiet: Quiet;
  #next = FIRST_SERIAL;

  constructor(quiet: Quiet) {
    this.#quiet = quiet;
  }

  /** @throws when an address is taken. */
  add(pn: string | undefined, lid: string | undefined, name: string): Account {
    const taken = (pn !== undefined && this.#byPn.get(pn)) || (lid !== undefined && this.#byLid.get(lid));
    if (taken) {
      throw new Error(`${name || pn || lid} can't have an address that ${taken.label} has.`);
    }
    const account = new Account(this.#next++, pn, lid, name, this.#quiet);
    this.#enter(account);
    return account;
  }

  /** Another way to dial a person: the number without Brazil's ninth digit, say. */
  alsoDialled(account: Account, number: string): void {
    this.#dialled.set(number, account);
  }

  move(account: Account, pn: string | undefined): void {
    if (account.pn !== undefined) {
      this.#byPn.delete(account.pn);
    }
    account.pn = pn;
    this.#enter(account);
  }

  remove(account: Account): void {
    this.move(account, undefined);
    if (account.lid !== undefined) {
      this.#byLid.delete(account.lid);
    }
  }

  find(jid: string): Account | undefined {
    const decoded = jidDecode(jid);
    return decoded?.server === "lid" ? this.#byLid.get(decoded.user) : this.#byPn.get(decoded?.user ?? "");
  }

  /** Finds by a number as people dial it. */
  dial(number: string): Account | undefined {
    const digits = number.replace(/\D/g, "");
    return this.#byPn.get(digits) ?? this.#dialled.get(digits);
  }

  link(companion: Companion): void {
    companion.account.companions.set(companion.device, companion);
    this.#byNoiseKey.set(companion.noiseKey.toString("hex"), companion);
  }

  companion(noiseKey: Buffer): Companion | undefined {
    return this.#byNoiseKey.get(noiseKey.toString("hex"));
  }

  /** Every companion that is linked now. */
  companions(): Companion[] {
    return [...this.#byNoiseKey.values()].filter((companion) => !companion.removed);
  }

  #enter(account: Account): void {
    if (account.pn !== undefined) {
      this.#byPn.set(account.pn, account);
      account.numbers.add(account.pn);
    }
    if (account.lid !== undefined) {
      this.#byLid.set(account.lid, account);
    }
  }
}
