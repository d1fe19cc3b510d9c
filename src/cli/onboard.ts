import { isCancel, text } from "@clack/prompts";
import { homeFrom, parseConfig } from "../config.js";
import { createHome, homePaths } from "../home.js";
import { type CliCommand, textFlag } from "./command.js";

export const onboard: CliCommand = {
  name: "onboard",
  usage: "",
  summary: "creates the home with config and workspace; changes nothing that is there",
  flags: {
    timezone: { type: "string", value: "NAME", help: 'your time zone, e.g. "Europe/Berlin" (default: the system\'s)' },
    greeting: { type: "string", value: "TEXT", help: "what a newly approved buddy is greeted with" },
  },
  async run(given, terminal) {
    const { env, interactive } = terminal;
    const path = homeFrom(env);
    const isNew = !(await exists(homePaths(path).config));
    const defaults = parseConfig(undefined, env).config;
    let timezone = textFlag(given, "timezone");
    let greeting = textFlag(given, "greeting");
    if (isNew && interactive && !given.json) {
      timezone ??= await ask("Your time zone, for times and quiet hours", defaults.timezone);
      greeting ??= await ask("The greeting for somebody whom you approved", defaults.texts.greeting);
      if (timezone === undefined || greeting === undefined) {
        terminal.err("Nothing was created.");
        return 1;
      }
    }
    const config = {
      timezone: timezone ?? defaults.timezone,
      texts: { greeting: greeting ?? defaults.texts.greeting },
    };
    // Mistakes are told before anything is written.
    parseConfig(JSON.stringify(config), env);
    const { home, written } = await createHome(path, config);
    if (given.json) {
      terminal.out(JSON.stringify({ home: home.root, written }));
      return 0;
    }
    terminal.out(
      written.length === 0
        ? `${home.root} is there already; nothing was changed.`
        : `Created ${written.join(" and ")}.`,
    );
    terminal.out(
      "Next: kafclaw whatsapp-auth (link), then kafclaw whatsapp-setup (owner and token), then kafclaw gateway.",
    );
    return 0;
  },
};

async function ask(message: string, initialValue: string): Promise<string | undefined> {
  const answer = await text({ message, initialValue });
  return isCancel(answer) ? undefined : answer;
}

async function exists(file: string): Promise<boolean> {
  const { access } = await import("node:fs/promises");
  return access(file).then(
    () => true,
    () => false,
  );
}
