/** What a command of the command line is, and reading its options: pure, and apart from acting on them. */
import type { Logger } from "pino";
import parse from "yargs-parser";
import { AS_TYPED, isNegative } from "../admin/index.js";
import { type Environment, mistakeIn } from "../config.js";
import { KafclawError } from "../errors.js";
import { firstWords, nearest } from "../text.js";

/** What a command has around it; made in `main.ts`, and by tests. */
export interface Terminal {
  readonly env: Environment;
  readonly version: string;
  /** The user at the machine, for the audit. */
  readonly user: string;
  /** A person is there to be asked: stdin and stdout are terminals. */
  readonly interactive: boolean;
  /** Which streams show colours: terminals, unless NO_COLOR is set. */
  readonly colour: { readonly out: boolean; readonly err: boolean };
  /** How wide each stream is at the moment, where it is a terminal. */
  readonly columns: { readonly out: number | undefined; readonly err: number | undefined };
  /** A line of a result, on stdout. */
  out(line: string): void;
  /** A line of anything else, on stderr: progress, errors. */
  err(line: string): void;
  /** A log of that level, on stderr. */
  log(level: string): Logger;
  /** Aborted when the process is asked to end (Ctrl-C, SIGTERM). */
  readonly stop: AbortSignal;
}

/** One option: a flag, a text, or a list (repeatable, and commas separate). */
export interface Flag {
  readonly type: "boolean" | "string" | "list";
  /** What the value is called in help: `+NUMBER`. */
  readonly value?: string;
  /** Whether `--flag ""` means something. */
  readonly empty?: true;
  /** One line for `--help`. */
  readonly help: string;
}

/** The arguments of a command, read. */
export interface Given {
  /** What is no option, as given. */
  readonly args: readonly string[];
  readonly json: boolean;
  readonly help: boolean;
  readonly flags: Readonly<Record<string, boolean | string | readonly string[] | undefined>>;
}

/** One command of the command line. */
export interface CliCommand {
  readonly name: string;
  /** What stands behind the name besides options: `<ref…>`; "" where nothing does. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** For `--help`: more on what it does, with examples. */
  readonly details?: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** Takes words, and options of its own that it reads itself. */
  readonly takesWords?: boolean;
  /**
   * @returns the exit code: 0 done, 1 failed, 2 wrong usage
   * @throws KafclawError for what a person can do something about; its kind makes the exit code
   */
  run(given: Given, terminal: Terminal): Promise<number>;
}

/** The options that every command has. */
export const COMMON_FLAGS: Readonly<Record<"json" | "help", Flag>> = {
  json: { type: "boolean", help: "print JSON, for programs" },
  help: { type: "boolean", help: "show this" },
};

/**
 * Reads the arguments of a command.
 * @throws KafclawError `wrong-usage` (kind `usage`), which names the nearest option
 */
export function readArguments(args: readonly string[], { flags, takesWords = false }: CliCommand): Given {
  const all: Readonly<Record<string, Flag>> = { ...flags, ...COMMON_FLAGS };
  const names = Object.keys(all);
  const ofType = (...types: Flag["type"][]) => names.filter((name) => types.includes(all[name]?.type ?? "string"));
  const found = parse(
    args.map((arg) => (arg === "-h" ? "--help" : arg)),
    {
      boolean: ofType("boolean"),
      string: [...ofType("string", "list"), "_"],
      configuration: AS_TYPED,
    },
  );
  const negative = args.find(isNegative);
  if (negative !== undefined) throw leftOver(negative, names);
  // The parser takes for known what only resembles an option, as --no-json and --token.x do.
  const alike = Object.keys(found).find((key) => key !== "_" && !names.includes(key));
  if (alike !== undefined) throw leftOver(`--${alike}`, names);
  const valued = ofType("boolean").find((name) => args.some((arg) => arg.startsWith(`--${name}=`)));
  if (valued !== undefined) throw wrong(`--${valued} takes no value.`);
  const words = found._.map(String);
  const [first] = words;
  if (first !== undefined && !takesWords) throw leftOver(first, names);
  return {
    args: words,
    json: found.json === true,
    help: found.help === true,
    flags: Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, read(name, flag, found[name], args)])),
  };
}

/** The value of an option of type `string`. */
export function textFlag({ flags }: Given, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

/**
 * The value of an option that becomes a setting.
 * @param key the setting's, `responder.baseUrl`
 * @throws KafclawError `wrong-usage` where the setting doesn't take it
 */
export function settingFlag(given: Given, name: string, key: string): string | undefined {
  const value = textFlag(given, name);
  const mistake = value === undefined ? undefined : mistakeIn(key, value);
  if (mistake === undefined) return value;
  throw new KafclawError("wrong-usage", `--${name}: ${mistake}. Nothing was changed.`, "usage");
}

/** The values of an option of type `list`. */
export function listFlag({ flags }: Given, name: string): readonly string[] {
  const value = flags[name];
  return typeof value === "object" ? value : [];
}

function read(name: string, flag: Flag, value: unknown, args: readonly string[]): Given["flags"][string] {
  if (flag.type === "boolean") {
    return value === true || (Array.isArray(value) && value.includes(true));
  }
  const values = value === undefined ? [] : [value].flat().map((each) => String(each).trim());
  const how = `--${name} ${flag.value ?? "VALUE"}`;
  const isTyped = args.some((arg, index) => arg === `--${name}=` || (arg === `--${name}` && args[index + 1] === ""));
  if (values.includes("") && !isTyped) throw wrong(`--${name} wants a value behind it: ${how}.`);
  const lists = values.map((each) => (flag.type === "list" ? partsOf(each) : [each]));
  // Commas alone name nobody, as an empty value does.
  if (flag.empty !== true && lists.some((list) => list.join("") === "")) {
    throw wrong(`The value of --${name} can't be empty: ${how}.`);
  }
  if (flag.type === "list") return lists.flat();
  if (values.length > 1) throw wrong(`--${name} is given twice; give it once.`);
  return values[0];
}

function partsOf(list: string): string[] {
  return list.split(",").flatMap((part) => part.trim() || []);
}

function leftOver(word: string, names: readonly string[]): KafclawError {
  const shown = firstWords(word, 40);
  if (!word.startsWith("-")) return wrong(`"${shown}" is one word too many; --help shows what there is.`);
  const flag = shown.replace(/=.*$/, "");
  const near = nearest(flag.replace(/^-+/, ""), names);
  const hint = near === undefined ? "--help shows what there is." : `Did you mean --${near}?`;
  return wrong(`There is no option ${flag}. ${hint}`);
}

function wrong(message: string): KafclawError {
  return new KafclawError("wrong-usage", message, "usage");
}
