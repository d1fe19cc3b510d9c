/**
 * What a pairing token is and when a text holds it (DESIGN 4). Pure: who may use which token is `pairing.ts`.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { KafclawError } from "../errors.js";
import { type Random, randomText } from "./code.js";

/** A token of fewer characters could be guessed. */
const TOKEN_MIN = 8;

/** Longer than any token worth typing; also keeps a token within a message that is searched at all. */
const TOKEN_MAX = 64;

/** Longer texts are conversation, not a token; they are not searched. */
const SEARCHED_LENGTH = 200;

/** A longer word can't be a token, however it is dressed; what anybody sends is not worth more time than that. */
const RAW_MAX = 4 * TOKEN_MAX;

/** Hyphens, dashes and minus signs that keyboards and autocorrection put for one another, repeated or not. */
const DASHES = "-\\u2010-\\u2015\\u2043\\u2212\\uFE58\\uFE63\\uFF0D";
const DASH_RUN = new RegExp(`[${DASHES}]+`, "gu");

/** Marks that people put right behind or before a token without a space. */
const SEPARATORS = /[,;:!?()[\]{}<>"'“”„‘’«»…|]+/u;

/** What stands for a token in a text that is shown. */
const MASK = "•••";

/** A token as it is compared: case, width, edge punctuation and the kind of dash don't matter. */
export function normalizeToken(text: string): string {
  return text
    .normalize("NFKC")
    .replace(DASH_RUN, "-")
    .replace(/[\p{Cf}\p{M}]/gu, "")
    .toLowerCase()
    .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
}

/**
 * A token that is fit for use, as its owner wrote it.
 * @throws KafclawError `bad-token`, with what is wrong with it
 */
export function checkToken(text: string): string {
  const token = text.trim();
  const plain = normalizeToken(token);
  const characters = [...plain];
  const bad = (why: string) => new KafclawError("bad-token", `${why} Or leave it out to have one made.`, "usage");
  if (/\s/u.test(token)) throw bad("A pairing token is one word; take one without spaces.");
  if (characters.length < TOKEN_MIN)
    throw bad(`A pairing token has ${TOKEN_MIN} characters or more; take a longer one.`);
  if (characters.length > TOKEN_MAX)
    throw bad(`A pairing token has at most ${TOKEN_MAX} characters; take a shorter one.`);
  if (new Set(characters).size < 4 || isSequence(characters)) {
    throw bad("That pairing token is too easy to guess; take one with more different characters.");
  }
  return token;
}

/** A new token that is easy to type and to read out, e.g. `KAF-7QF2-M9TX`: 40 bits, always with a digit. */
export function newToken(random: Random): string {
  for (;;) {
    const secret = randomText(random, 8);
    if (/\d/.test(secret) && /[A-Z]/.test(secret)) return `KAF-${secret.slice(0, 4)}-${secret.slice(4)}`;
  }
}

/** Names a token in records without giving it away. */
export function tokenId(token: string): string {
  return digest(normalizeToken(token)).toString("hex", 0, 4);
}

/** A token as it may be shown: enough to recognise it. */
export function maskToken(token: string): string {
  return `${[...token].slice(0, 2).join("")}${MASK}`;
}

/** What a text holds: which of the live tokens, and how many wrong guesses. */
export interface Found {
  /** The index of each live token that the text holds. */
  readonly tokens: readonly number[];
  readonly wrong: number;
}

/**
 * Searches a text for tokens. Every candidate is compared with every token by digest and without stopping early, so the
 * time it takes tells nothing about how near a guess was.
 * @param tokens the live tokens
 */
export function searchTokens(text: string, tokens: readonly LiveToken[]): Found {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.length > SEARCHED_LENGTH) return { tokens: [], wrong: 0 };
  const held = new Set<number>();
  let wrong = 0;
  for (const word of trimmed.split(/\s+/u)) {
    const candidates = [word, ...word.split(SEPARATORS)].map(normalizeToken);
    let right = false;
    let guess = false;
    for (const candidate of new Set(candidates)) {
      if (candidate.length < TOKEN_MIN || candidate.length > TOKEN_MAX) continue;
      const hash = digest(candidate);
      tokens.forEach((token, index) => {
        if (!timingSafeEqual(hash, token.digest)) return;
        held.add(index);
        right = true;
      });
      if (isGuess(candidate, tokens)) guess = true;
    }
    if (guess && !right) wrong++;
  }
  return { tokens: [...held], wrong };
}

/** A token prepared for comparison. */
export interface LiveToken {
  readonly digest: Buffer;
  readonly shape: string;
  readonly length: number;
  /** Finds the token in a text that is to be shown, in any spelling that would count. */
  readonly pattern: RegExp;
}

/** Prepares a token for {@link searchTokens} and {@link maskTokens}. */
export function liveToken(token: string): LiveToken {
  const plain = normalizeToken(token);
  // Format characters (a zero-width space, say) and accents between the characters don't save a token from being masked.
  const spelled = [...plain].map((char) => (char === "-" ? `[${DASHES}]+` : literal(char))).join("[\\p{Cf}\\p{M}]*");
  return {
    digest: digest(plain),
    shape: shapeOf(plain),
    length: plain.length,
    pattern: new RegExp(spelled, "giu"),
  };
}

/** Puts `•••` for every token in a text. */
export function maskTokens(text: string, tokens: readonly LiveToken[]): string {
  let masked = text;
  for (const token of tokens) masked = masked.replace(token.pattern, MASK);
  // Spellings that the patterns don't know (full-width letters): word by word, as the search does it.
  return masked.replace(/\S{8,}/gu, (word) => {
    const pieces = [word, ...word.split(SEPARATORS)].filter((piece) => piece.length <= RAW_MAX).map(normalizeToken);
    const isToken = (piece: string) =>
      tokens.some((token) => piece.length === token.length && timingSafeEqual(digest(piece), token.digest));
    return pieces.some(isToken) ? MASK : word;
  });
}

/**
 * Whether a word that is no live token counts as a guess: it looks like the tokens that we make (letters and digits), or
 * is exactly as long and made of the same kinds of characters as one in use. Ordinary words and numbers are no guess.
 */
function isGuess(word: string, tokens: readonly LiveToken[]): boolean {
  const shape = shapeOf(word);
  if (shape === "mixed" || shape === "mixed-dashed") return true;
  return tokens.some((token) => token.shape === shape && token.length === word.length);
}

function shapeOf(word: string): string {
  if (!/^[\p{L}\p{N}\-_]+$/u.test(word)) return "other";
  const kinds = /\p{L}/u.test(word) ? (/\p{N}/u.test(word) ? "mixed" : "letters") : "digits";
  return /[-_]/.test(word) ? `${kinds}-dashed` : kinds;
}

/** 12345678, 87654321, abcdefgh: each character is the neighbour of the one before. */
function isSequence(characters: readonly string[]): boolean {
  const steps = characters
    .slice(1)
    .map((char, index) => (char.codePointAt(0) ?? 0) - (characters[index]?.codePointAt(0) ?? 0));
  return steps.every((step) => step === 1 || step === -9) || steps.every((step) => step === -1 || step === 9);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function literal(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
