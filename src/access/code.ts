/**
 * Codes: 4 characters that name one contact for good, easy to read out and to type on a phone (I8).
 */
import type { Code } from "./types.js";

/** Bytes of randomness, from `node:crypto` in life and from a seed in tests. */
export type Random = (size: number) => Uint8Array;

/** Crockford's base32 without the vowels that it still has (A, E): no look-alikes, and no words by accident. */
export const CODE_ALPHABET = "0123456789BCDFGHJKMNPQRSTVWXYZ";

const CODE_LENGTH = 4;

/** Random tries before the search goes through all codes in order: only a nearly full book ever needs that. */
const TRIES = 200;

/** Two pending senders whose codes differ in one place only could be taken for each other by one slip of a thumb. */
const PLACES_APART = 2;

/**
 * Reads a code as people type it: any case, and Crockford's look-alikes O for 0, I and L for 1.
 * @returns `undefined` for what no code can be (a digit-only text is a number, never a code)
 */
export function parseCode(text: string): Code | undefined {
  const typed = text.trim();
  if (typed.length !== CODE_LENGTH) return undefined;
  const code = typed.toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
  // Checked just here: four characters of the alphabet, one of them a letter.
  return isCode(code) ? (code as Code) : undefined;
}

/**
 * Whether a text is written like a code, even one that nobody can have: a sender's name may hold such a word to be taken
 * for somebody else, so it never counts as a name.
 */
export function looksLikeCode(text: string): boolean {
  return parseCode(text) !== undefined || /^(?:[0-9A-Z]{4}|(?=.*\d)[0-9A-Za-z]{4})$/.test(text.trim());
}

/**
 * A new code: holds a letter, was never anybody's, and differs in two places from every code that is pending now.
 * @param taken whether a code names somebody, aliases included
 * @param pending the codes (and aliases) of everyone in the pending queue
 */
export function newCode(random: Random, taken: (code: Code) => boolean, pending: readonly Code[]): Code {
  const fits = (code: string): code is Code =>
    isCode(code) && !taken(code) && pending.every((other) => distance(code, other) >= PLACES_APART);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const code = randomText(random, CODE_LENGTH);
    if (fits(code)) return code;
  }
  const size = CODE_ALPHABET.length ** CODE_LENGTH;
  const start = new DataView(Uint8Array.from(random(4)).buffer).getUint32(0) % size;
  for (let step = 0; step < size; step++) {
    const code = nthText((start + step) % size);
    if (fits(code)) return code;
  }
  throw new Error("Every code is taken");
}

/** Random characters of an alphabet, that of the codes where none is given, each equally likely. */
export function randomText(random: Random, length: number, alphabet = CODE_ALPHABET): string {
  // Bytes at and above the highest multiple of its length would make the first characters likelier than the last.
  const limit = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of random(length)) {
      if (byte < limit && text.length < length) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}

/** In how many places two codes differ. */
export function distance(a: string, b: string): number {
  let places = 0;
  for (let index = 0; index < CODE_LENGTH; index++) if (a.charAt(index) !== b.charAt(index)) places++;
  return places;
}

function isCode(text: string): text is Code {
  return /^[0-9BCDFGHJKMNPQRSTVWXYZ]{4}$/.test(text) && /[A-Z]/.test(text);
}

function nthText(index: number): string {
  let text = "";
  for (let rest = index; text.length < CODE_LENGTH; rest = Math.floor(rest / CODE_ALPHABET.length)) {
    text = CODE_ALPHABET.charAt(rest % CODE_ALPHABET.length) + text;
  }
  return text;
}
