import { HOUR, isWithin } from "../clock.js";
import { addressesOf, type Lid, type Person, type Pn } from "./identity.js";

/** Wrong guesses after which a sender is ignored. */
const ALLOWED = 5;

/** How long a sender is ignored then, and how long a single wrong guess is remembered. */
const IGNORED_MS = HOUR;

/** How many senders are remembered: about 1 MB at most, however many strangers write. */
const REMEMBERED = 10_000;

interface Guesser {
  wrong: number;
  /** When the hour in which the guesses are counted, or for which the sender is ignored, is over. */
  until: number;
}

/**
 * Counts wrong guesses of pairing tokens by sender: after 5 within an hour the sender is ignored for an hour, even with
 * the right token. The sender that was quiet longest is forgotten when there are too many.
 */
export class GuessLimit {
  /** In the order of the last guess, so that the first key is the one to forget. */
  readonly #senders = new Map<Pn | Lid, Guesser>();

  /** Whether the sender is ignored now. */
  ignored(person: Person, now: number): boolean {
    return addressesOf(person).some((address) => {
      const guesser = this.#senders.get(address);
      return guesser !== undefined && isOn(guesser, now) && guesser.wrong >= ALLOWED;
    });
  }

  /** Counts wrong guesses. @returns whether the sender is ignored from now on */
  count(person: Person, wrong: number, now: number): boolean {
    if (wrong > 0) for (const address of addressesOf(person)) this.#add(address, wrong, now);
    return this.ignored(person, now);
  }

  /** The sender knew the token: earlier slips are forgiven. */
  forgive(person: Person): void {
    for (const address of addressesOf(person)) this.#senders.delete(address);
  }

  get size(): number {
    return this.#senders.size;
  }

  #add(address: Pn | Lid, wrong: number, now: number): void {
    const before = this.#senders.get(address);
    const guesser = before !== undefined && isOn(before, now) ? before : { wrong: 0, until: now + IGNORED_MS };
    const isFirstTooMany = guesser.wrong < ALLOWED && guesser.wrong + wrong >= ALLOWED;
    guesser.wrong += wrong;
    if (isFirstTooMany) guesser.until = now + IGNORED_MS;
    this.#senders.delete(address);
    this.#senders.set(address, guesser);
    for (const oldest of this.#senders.keys()) {
      if (this.#senders.size <= REMEMBERED) break;
      this.#senders.delete(oldest);
    }
  }
}

/** Whether the hour in which a sender's guesses are counted together, or in which they are ignored, goes on. */
function isOn({ until }: Guesser, now: number): boolean {
  return isWithin(IGNORED_MS, until - IGNORED_MS, now);
}
