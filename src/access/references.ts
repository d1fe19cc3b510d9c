/**
 * Which contact a person means (DESIGN 5, I8): a code, a number, a JID, or, in scope, a name. Pure look-ups; a reference
 * that fits two contacts is refused and lists both.
 */
import { KafclawError } from "../errors.js";
import { firstWords } from "../text.js";
import type { Scope } from "./api.js";
import { looksLikeCode, parseCode } from "./code.js";
import { asMeant, type ContactBook, fold } from "./contacts.js";
import { heaviest } from "./gate.js";
import { digitsOf, looksLikeNumber, type Person, parseAddress, parseNumber } from "./identity.js";
import type { Contact, ContactState } from "./types.js";
import { listOf } from "./words.js";

/** By name one means somebody on a list, not the record of a stranger. */
const NAMED_STATES: readonly ContactState[] = ["pending", "approved", "denied"];

/** As much of a mistyped reference as is shown back. */
const SHOWN_LENGTH = 40;

/** @throws KafclawError `unknown-reference`, `ambiguous`, `not-a-person`, `bad-number` */
export function resolve(book: ContactBook, reference: string, scope: Scope = {}): Contact | Person {
  const typed = asMeant(reference);
  if (typed === "") return only(candidates(book, scope), scope);
  if (typed.includes("@")) return byJid(book, typed);
  if (looksLikeNumber(typed)) return byNumber(book, typed);
  return looksLikeCode(typed) ? byCode(book, typed, scope) : byName(book, typed, scope);
}

/** Contacts that a name, or no reference at all, may mean. */
function candidates(book: ContactBook, { states = NAMED_STATES, shown }: Scope): readonly Contact[] {
  const inStates = states.flatMap((state) => book.list(state));
  return shown === undefined ? inStates : inStates.filter((contact) => shown.has(contact._id));
}

function only(contacts: readonly Contact[], scope: Scope): Contact {
  const [first, second] = contacts;
  if (first === undefined) throw unknown(`${nobody(scope)}; name somebody by code or number.`);
  if (second !== undefined) throw ambiguous(`Which one? ${listOf(contacts)}; repeat that with a code.`);
  return first;
}

function byJid(book: ContactBook, typed: string): Contact | Person {
  const address = parseAddress(typed);
  switch (address?.kind) {
    case "pn":
      return known(book, { pn: address.pn });
    case "lid":
      return known(book, { lid: address.lid });
    case undefined:
      throw new KafclawError(
        "bad-number",
        `"${quoted(typed)}" is no WhatsApp address; write a number with country code, e.g. +1 555 000 2000.`,
        "usage",
      );
    case "group":
      throw notAPerson(typed, "a group");
    default:
      throw notAPerson(typed, "no person's address");
  }
}

function byNumber(book: ContactBook, typed: string): Contact | Person {
  const pn = parseNumber(typed);
  if (pn !== undefined) return known(book, { pn });
  throw noNumber(typed);
}

/** The refusal of what should have been a phone number. */
export function noNumber(typed: string): KafclawError {
  return new KafclawError(
    "bad-number",
    `"${quoted(typed)}" is no full phone number; write it with country code, e.g. +1 555 000 2000.`,
    "usage",
  );
}

/**
 * The digits of a phone number, as a pairing code is asked for.
 * @throws KafclawError `bad-number` (kind `usage`)
 */
export function phoneDigits(phone: string): string {
  const pn = parseNumber(phone);
  if (pn === undefined) throw noNumber(phone);
  return digitsOf(pn);
}

/** A code-shaped word is a code and nothing else, even where somebody has that name. */
function byCode(book: ContactBook, typed: string, scope: Scope): Contact {
  const code = parseCode(typed);
  const contact = code === undefined ? undefined : book.byCode(code);
  if (contact !== undefined) return contact;
  const named = matching(book, typed, scope);
  const hint =
    named.length === 0 ? "/pending and /list show the codes" : `by name that would be ${listOf(named)}: use the code`;
  throw unknown(`No contact has the code ${code ?? quoted(typed).toUpperCase()}; ${hint}.`);
}

function byName(book: ContactBook, typed: string, scope: Scope): Contact {
  const found = matching(book, typed, scope);
  const [first, second] = found;
  if (second !== undefined) {
    throw ambiguous(`"${quoted(typed)}" fits ${listOf(found)}; repeat that with a code.`);
  }
  if (first !== undefined) return first;
  const { shown, ...unshown } = scope;
  if (shown !== undefined && matching(book, typed, unshown).some(({ state }) => state === "pending")) {
    throw unknown(
      `Somebody pending matches "${quoted(typed)}", but no notice under that name had reached you before this: /pending shows who waits.`,
    );
  }
  const all = candidates(book, scope);
  const state = scope.states?.length === 1 ? `${scope.states[0]} sender` : "contact";
  const heading = scope.states?.length === 1 ? capital(scope.states[0] ?? "") : "On the lists";
  const rest = all.length === 0 ? `${nobody(scope)}.` : `${heading}: ${listOf(all)}.`;
  throw unknown(`No ${state} matches "${quoted(typed)}". ${rest}`);
}

/**
 * Everyone whose name holds what was typed, from where a word begins: `smi` is Alice Smith, `o` is not Bob. An exact name
 * does not win over a longer one, since both could be meant.
 */
function matching(book: ContactBook, typed: string, scope: Scope): readonly Contact[] {
  const wanted = fold(typed);
  if (wanted === "") return [];
  return candidates(book, scope).filter((contact) => {
    const shown = scope.shown?.get(contact._id);
    return beginsWordIn(shown === undefined ? book.folded(contact) : fold(shown), wanted);
  });
}

/**
 * A place where a word begins: before it is no letter, or letters of a script that writes no spaces, or none in names. A
 * folded Korean syllable is taken apart, and begins with a leading consonant.
 */
const WORD_BEGINS =
  /(?<![\p{L}\p{N}\p{M}])|(?<=\p{scx=Hangul})(?=[\u1100-\u115F])|(?<=[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}])/uy;

function beginsWordIn(name: string, wanted: string): boolean {
  for (let at = name.indexOf(wanted); at >= 0; at = name.indexOf(wanted, at + 1)) {
    WORD_BEGINS.lastIndex = at;
    if (WORD_BEGINS.test(name)) return true;
  }
  return false;
}

function known(book: ContactBook, person: Person): Contact | Person {
  return heaviest(book.matches(person), person) ?? person;
}

function nobody({ states }: Scope): string {
  return states === undefined || states.length === NAMED_STATES.length
    ? "Nobody is on a list yet"
    : `Nobody is ${states.join(" or ")}`;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function quoted(typed: string): string {
  return firstWords(typed, SHOWN_LENGTH);
}

function unknown(message: string): KafclawError {
  return new KafclawError("unknown-reference", message);
}

function ambiguous(message: string): KafclawError {
  return new KafclawError("ambiguous", message);
}

function notAPerson(typed: string, what: string): KafclawError {
  return new KafclawError("not-a-person", `${quoted(typed)} is ${what}; name a person.`, "usage");
}
