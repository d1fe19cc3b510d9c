/**
 * Cleaning of foreign text at the edge (I9): what comes from a sender, a phone book or a terminal is made harmless once,
 * where it enters, so that everything behind can store and compare it as it is. Escaping for the place where it is shown
 * (WhatsApp markup, HTML) is another step, done when rendering.
 *
 * All functions are pure, take any string (64 kB, lone surrogates), and are idempotent: cleaning twice changes nothing.
 */
import { stripVTControlCharacters } from "node:util";

/** More than this of one text is never looked at: the cut comes long before, and normalising costs time. */
const LOOK_AT = 262_144;
/** Names are one short line in a notice, in code points. */
const NAME_LENGTH = 64;
/** WhatsApp's own limit for one message: no phone sends more. */
const TEXT_LENGTH = 65_536;

/** Scripts in which joiner and non-joiner change how a word is written, so that they are kept between two letters. */
const JOINING_SCRIPTS =
  "[\\p{scx=Arab}\\p{scx=Syrc}\\p{scx=Deva}\\p{scx=Beng}\\p{scx=Guru}\\p{scx=Gujr}\\p{scx=Orya}\\p{scx=Taml}\\p{scx=Telu}\\p{scx=Knda}\\p{scx=Mlym}\\p{scx=Sinh}]";
/** Invisible and direction-changing characters, apart from the few that have an honest use (see {@link strip}). */
const INVISIBLE = new RegExp(
  [
    // A joiner inside an emoji sequence (family, flag) belongs to the emoji.
    "(?<keep>(?<=\\p{Extended_Pictographic}[\\uFE0F\\u{1F3FB}-\\u{1F3FF}]?)\\u200D(?=\\p{Extended_Pictographic})",
    // One selector directly behind an emoji or inside a keycap says "in colour".
    "(?<=\\p{Extended_Pictographic})[\\uFE0E\\uFE0F]",
    "(?<=[0-9#*])\\uFE0F(?=\\u20E3)",
    `(?<=(?=${JOINING_SCRIPTS})[\\p{L}\\p{M}])[\\u200C\\u200D](?=${JOINING_SCRIPTS})(?=\\p{L}))`,
    "[\\p{Default_Ignorable_Code_Point}\\p{Bidi_Control}\\uFFF9-\\uFFFB]",
  ].join("|"),
  "gu",
);
/** Line breaks of every kind, so that none hides from code that only knows "\n". */
const LINE_BREAK = /\r\n|[\r\v\f\x85\u2028\u2029]/g;
/** Spaces of every width, and the braille blank, which shows as one. */
const SPACE = /[\t\p{Zs}\u2800]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is what this is for.
const CONTROL = /[\x00-\x09\x0B-\x1F\x7F-\x9F]/g;
/** No phone but some of one maker's shows these, or none at all. */
const UNREADABLE = /[\p{Co}\p{Noncharacter_Code_Point}]/gu;
/** More marks than any living script stacks on one letter climb into the lines around. */
const TOO_MANY_MARKS = /(\p{M}{4})\p{M}+/gu;
/** A mark or joiner at the start would sit on whatever stands before: our own words. */
const ATTACHES_BACKWARDS =
  /^\s*(?:\p{M}|\u200C|\u200D|[\u{1F3FB}-\u{1F3FF}])(?:\p{M}|\u200C|\u200D|[\u{1F3FB}-\u{1F3FF}]|\s)*/u;

/** The longest that is in use, a family with skin tones, takes 41 units at most. */
const LONGEST_GRAPHEME = 64;
const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/**
 * A name as a sender chose it, as one line of at most 64 code points. Line breaks become spaces; control, direction,
 * zero-width and tag characters go; emoji stay whole. What is cut ends with "…". May be empty.
 */
export function cleanName(raw: string): string {
  return cut(oneLine(raw), NAME_LENGTH);
}

/**
 * A message text: like {@link cleanName}, but line breaks stay, and what nobody can read shows as "�": something was there.
 * At most `max` code points, the cut marked with "…".
 */
export function cleanText(raw: string, max = TEXT_LENGTH): string {
  const text = strip(raw, "\uFFFD")
    .replace(/ +$/gm, "")
    .split("\n")
    .map(dropLeadingMarks)
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^\s+/, "");
  return cut(text.trimEnd(), max);
}

/** The beginning of a text as one cleaned line of at most `max` code points, cut between words where there are any. */
export function firstWords(text: string, max = 80): string {
  const line = oneLine(text);
  const short = cut(line, max);
  if (short === line) return line;
  const space = short.lastIndexOf(" ");
  return space > short.length / 2 ? `${short.slice(0, space)}…` : short;
}

/** Everything of a text on one line, cleaned, with single spaces. */
export function oneLine(raw: string): string {
  return dropLeadingMarks(strip(raw).replace(/\s+/g, " ").trim());
}

/** Shortens to `max` code points including the "…" that marks the cut; splits no grapheme of an honest length. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  let count = 0;
  let end = 0;
  for (const character of text) {
    count += 1;
    if (count < max) end += character.length;
    if (count > max) break;
  }
  if (count <= max) return text;
  const kept = text.slice(0, graphemeAt(text, end));
  return `${kept.replace(/(?:\u200C|\u200D|\s)+$/u, "")}…`;
}

/** Where the grapheme around a place begins. Looks no further than around it: a whole hostile text takes seconds to segment. */
function graphemeAt(text: string, place: number): number {
  const from = Math.max(0, place - LONGEST_GRAPHEME);
  const around = text.slice(from, place + LONGEST_GRAPHEME);
  const begin = graphemes.segment(around).containing(place - from)?.index ?? 0;
  return begin === 0 ? place : from + begin;
}

/**
 * Removes what no text needs: escape sequences, controls (but "\n"), invisible characters, stacks of marks.
 * @param instead what stands for characters that mean nothing here (private ones, such as Apple's logo)
 */
function strip(raw: string, instead = ""): string {
  const text = raw.length > LOOK_AT ? raw.slice(0, LOOK_AT) : raw;
  return stripVTControlCharacters(text)
    .replace(LINE_BREAK, "\n")
    .replace(SPACE, " ")
    .replace(CONTROL, "")
    .replace(UNREADABLE, instead)
    .replace(/\p{Surrogate}/gu, "\uFFFD")
    .normalize("NFC")
    .replace(INVISIBLE, (found, ...rest) => (isKept(rest) ? found : ""))
    .normalize("NFC")
    .replace(TOO_MANY_MARKS, "$1");
}

function isKept(rest: readonly unknown[]): boolean {
  const groups = rest.at(-1);
  return typeof groups === "object" && groups !== null && "keep" in groups && groups.keep !== undefined;
}

function dropLeadingMarks(line: string): string {
  return line.replace(ATTACHES_BACKWARDS, "");
}
