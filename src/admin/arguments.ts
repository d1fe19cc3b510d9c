/** Reading what stands behind a command: words, options, references. Pure; errors say how the command is used. */
import parse from "yargs-parser";
import { looksLikeNumber, parseCode } from "../access/index.js";
import { KafclawError } from "../errors.js";
import { plainDigits } from "../text.js";
import { oneLineOf } from "./read.js";

/** Phones turn `--` into a dash, and straight quotes into curly ones. */
const DASHES = /^[‐-―−]{1,2}(?=\p{L})/u;
const QUOTED = /"([^"]*)"|[“”„«]([^“”»]*)[“”»]|(\S+)/gu;

/** Splits a line into words; what stands in double quotes is one word, and may be empty. */
export function splitWords(line: string): string[] {
  return [...oneLineOf(line).matchAll(QUOTED)].map((found) => {
    const bare = found[3];
    return bare === undefined ? (found[1] ?? found[2] ?? "").trim() : inPlainDigits(bare.replace(DASHES, "--"));
  });
}

/** A number or a duration in the digits that are read here; names and labels stay as they are. */
function inPlainDigits(arg: string): string {
  return /^(?:--\w+=)?\+?(?:\p{Nd}+[mhd]?)+$/iu.test(arg) ? plainDigits(arg) : arg;
}

/** What a command takes besides its words. */
export interface Options {
  readonly flags?: readonly string[];
  readonly values?: readonly string[];
}

/** A command's arguments taken apart. */
export interface Taken {
  readonly words: readonly string[];
  flag(name: string): boolean;
  value(name: string): string | undefined;
}

/** How options are read, in the chat and on the command line: nothing that was typed is made into something else. */
export const AS_TYPED = {
  "unknown-options-as-args": true,
  "parse-numbers": false,
  "parse-positional-numbers": false,
  "camel-case-expansion": false,
  "dot-notation": false,
  "boolean-negation": false,
  "short-option-groups": false,
} as const;

/**
 * Takes options out of the arguments; what is left are words.
 * @throws KafclawError `bad-option` for an option that the command doesn't have, or one without its value; `bad-usage` for
 *   an empty argument, as a shell variable leaves it that is not set
 */
export function take(args: readonly string[], options: Options = {}): Taken {
  const { flags = [], values = [] } = options;
  const found = parse([...args], {
    boolean: [...flags],
    string: [...values, "_"],
    configuration: { ...AS_TYPED, "duplicate-arguments-array": false },
  });
  const words = found._.map(String);
  if (words.some((word) => word.trim() === "")) {
    throw new KafclawError("bad-usage", '"" names nobody and nothing; leave it out.', "usage");
  }
  // The parser takes for known what only resembles an option, as --no-block and --for.x do.
  const alike = Object.keys(found).find((key) => key !== "_" && !flags.includes(key) && !values.includes(key));
  const unknown = args.find(isNegative) ?? words.find((word) => /^--?[a-z]/i.test(word)) ?? (alike && `--${alike}`);
  if (unknown !== undefined) {
    const known = [...flags, ...values].map((name) => `--${name}`).join(", ");
    throw new KafclawError(
      "bad-option",
      `${unknown} is not an option here${known === "" ? "." : `; there is ${known}.`}`,
      "usage",
    );
  }
  for (const name of values) {
    if (found[name] === "") throw new KafclawError("bad-option", `--${name} wants a value behind it.`, "usage");
  }
  return {
    words,
    flag: (name) => found[name] === true,
    value: (name) => (typeof found[name] === "string" ? found[name] : undefined),
  };
}

/** What looks like a negative number is an option to the parser, which would take it and the next word out unseen. */
export function isNegative(arg: string): boolean {
  return /^-\d/.test(arg);
}

/** One reference as typed: surely one, or words that may be one name or several. */
export type Typed =
  | { readonly kind: "one"; readonly text: string }
  | { readonly kind: "names"; readonly words: string[] };

/** Fewest digits of a whole phone number; below that, a group of digits goes on with the number before it. */
const WHOLE_NUMBER = 7;
/** What keyboards and lists put around a reference: `K7QF, M2TX.`, `(K7QF)`, `*K7QF*`. */
const EDGES = /^[(*]+|[)*,;:.!?]+$/g;

/** A word without what is around it; one of nothing else (an emoticon that is a name) stays as it is. */
function bare(word: string): string {
  return looksLikeNumber(word) ? word : word.replace(EDGES, "") || word;
}

/** Groups words into references: `+1 555 000 2000 M2TX anna maria` are a number, a code, and a name or two. */
export function references(words: readonly string[]): readonly Typed[] {
  const found: Typed[] = [];
  let number = "";
  const endNumber = (): void => {
    if (number !== "") found.push({ kind: "one", text: number });
    number = "";
  };
  // Some keyboards write codes and numbers in full-width letters.
  for (const typed of words.flatMap((each) => unlisted(each.normalize("NFKC")))) {
    const word = bare(typed);
    if (looksLikeNumber(word)) {
      const isNew = word.startsWith("+") || (digits(number) >= WHOLE_NUMBER && digits(word) >= WHOLE_NUMBER);
      if (isNew) endNumber();
      number = number === "" ? word : `${number} ${word}`;
      continue;
    }
    endNumber();
    const last = found.at(-1);
    if (isCode(word) || word.includes("@") || word.includes(" ")) found.push({ kind: "one", text: word });
    else if (last?.kind === "names") last.words.push(word);
    else found.push({ kind: "names", words: [word] });
  }
  endNumber();
  return found;
}

/** The codes and numbers of a list that was typed without spaces: `K7QF,M2TX`. A name with a comma in it stays one word. */
function unlisted(word: string): readonly string[] {
  const parts = word.split(/[,;]/).filter((part) => part !== "");
  const isList = parts.every((part) => isCode(bare(part)) || (part.startsWith("+") && looksLikeNumber(part)));
  return parts.length > 1 && isList ? parts : [word];
}

/** Surely a code. One with an O for its 0, or an I or L for its 1, may as well be a name: `Toni`. */
function isCode(word: string): boolean {
  return parseCode(word) === word.toUpperCase();
}

function digits(text: string): number {
  return plainDigits(text).replace(/\D/g, "").length;
}
