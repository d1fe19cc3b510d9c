import { access } from "node:fs/promises";
import { type Config, homeFrom, mistakeIn, parseConfig } from "../config.js";
import { KafclawError } from "../errors.js";
import { createHome, homePaths } from "../home.js";
import { present } from "../present.js";
import { type CliCommand, type Given, settingFlag, type Terminal } from "./command.js";

/** What a new `config.json` begins with; the rest are defaults. */
interface Answers {
  readonly timezone?: string;
  readonly greeting?: string;
}

const NEXT = [
  "Next:",
  "  kafclaw whatsapp-auth    link WhatsApp (with a spare number: unofficial clients can get a number banned)",
  "  kafclaw whatsapp-setup   name the owner, and the token that buddies send first",
  "  kafclaw gateway          run it",
].join("\n");

export const onboard: CliCommand = {
  name: "onboard",
  usage: "",
  summary: "creates the home with config and workspace; changes nothing that is there",
  flags: {
    timezone: { type: "string", value: "NAME", help: 'your time zone, e.g. "Europe/Berlin" (default: the system\'s)' },
    greeting: {
      type: "string",
      value: "TEXT",
      help: 'what a newly approved buddy is greeted with; "" for nothing',
      empty: true,
    },
  },
  async run(given, terminal) {
    const { env } = terminal;
    const file = homePaths(homeFrom(env)).config;
    const isNew = !(await isThere(file));
    const wanted = isNew ? await answersFrom(given, terminal) : fromFlags(given);
    if (wanted === undefined) {
      terminal.err("Nothing was created.");
      return 1;
    }
    const { timezone, greeting } = wanted;
    if (!isNew && (timezone !== undefined || greeting !== undefined)) {
      throw new KafclawError("exists", `${file} is there already and stays as it is; change the settings in it.`);
    }
    const config = {
      timezone: timezone ?? defaults(terminal).timezone,
      ...(greeting === undefined ? {} : { texts: { greeting } }),
    };
    // What was typed at the questions is checked before anything is written, too.
    if (isNew) parseConfig(JSON.stringify(config), {}, "onboard");
    const { home, written } = await createHome(homeFrom(env), config);
    const what = written.length > 0 ? `Created ${written.join(" and ")}.` : "It is there already; nothing was changed.";
    terminal.out(given.json ? JSON.stringify({ home: home.root, written }) : `Home: ${home.root}\n${what}\n\n${NEXT}`);
    return 0;
  },
};

function fromFlags(given: Given): Answers {
  const timezone = settingFlag(given, "timezone", "timezone");
  const greeting = settingFlag(given, "greeting", "texts.greeting");
  return present({ timezone, greeting });
}

/** The options, and at a terminal the answers to what they leave open; undefined where it was cancelled. */
async function answersFrom(given: Given, terminal: Terminal): Promise<Answers | undefined> {
  const flags = fromFlags(given);
  if (!terminal.interactive || given.json) return flags;
  const { timezone, texts } = defaults(terminal);
  const zone = flags.timezone ?? (await ask("Your time zone, for times and quiet hours", timezone, "timezone"));
  if (zone === undefined) return undefined;
  const greeting =
    flags.greeting ?? (await ask("What a newly approved buddy is greeted with", texts.greeting, "texts.greeting"));
  return greeting === undefined ? undefined : { timezone: zone, greeting };
}

async function ask(message: string, initialValue: string, key: string): Promise<string | undefined> {
  // Only here: most commands ask nothing.
  const { isCancel, text } = await import("@clack/prompts");
  const validate = (typed = "") => mistakeIn(key, typed);
  const answer = await text({ message, initialValue, validate });
  return isCancel(answer) ? undefined : (answer ?? "");
}

function defaults({ env }: Terminal): Config {
  return parseConfig(undefined, env).config;
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
